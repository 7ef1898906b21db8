// bound_loop: many bound updates of an episode in one launch, until its energy settles.
//
// Dispatch: x = B (or fewer: episodes are strided over x). One workgroup keeps the assignments of one episode in
// workgroup memory, twice, and repeats z' = softmax(-a + lambda W z) with a barrier after each pass. Pass t adds up
// the energy E = entropy + unary - factor * lambda * pairwise of z_t; the episode stops when t > 2 and
// |E - E_prev| <= tolerance * |E_prev|, or at t = max_iterations. A launch does at most `passes` passes and leaves
// its state for the next one. N * K <= 1920.

@group(0) @binding(0) var<storage, read_write> a: array<f32>;         // [B, N, K] costs
@group(0) @binding(1) var<storage, read_write> z: array<f32>;         // [B, N, K], read at the start, written at the end
@group(0) @binding(2) var<storage, read_write> row_ptr: array<i32>;   // [B, N + 1]
@group(0) @binding(3) var<storage, read_write> col: array<i32>;       // [B, E]
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;    // [B, E]
@group(0) @binding(5) var<storage, read_write> state: array<f32>;     // [B, 6] t, E_prev, stopped, entropy, unary, pairwise
@group(0) @binding(6) var<storage, read_write> sizes: array<u32>;     // B, N, K, E, fixed, passes, max_iterations, bits of lambda, of tolerance, of factor

const LANES: u32 = 128u;
const TINY: f32 = 1e-20;
const CELLS: u32 = 1920u;

// Two copies of the assignments: the one read starts at `from_at`, the other is written.
var<workgroup> zs: array<f32, 3840>;
var<workgroup> sums: array<f32, 128>;
var<workgroup> flag: u32;
// The sizes, so that every thread provably sees the same ones (workgroupUniformLoad): barriers need that.
var<workgroup> dims: array<u32, 10>;

// The sum of `own` over the workgroup, the same value in every thread.
fn total(own: f32, lane: u32) -> f32 {
    sums[lane] = own;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            sums[lane] += sums[lane + half];
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&sums[0]);
}

@compute @workgroup_size(128, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    if (lane < 10u) {
        dims[lane] = sizes[lane];
    }
    let known = workgroupUniformLoad(&dims);
    let b_count = known[0];
    let n = known[1];
    let k = known[2];
    let e_count = known[3];
    let fixed_rows = known[4];
    let passes = known[5];
    let max_iterations = known[6];
    let lambda = bitcast<f32>(known[7]);
    let tolerance = bitcast<f32>(known[8]);
    let factor = bitcast<f32>(known[9]) * lambda;
    let cells = n * k;

    for (var b = group.x; b < b_count; b += groups.x) {
        // A stopped episode is left as it is; the flag is loaded so that all threads agree.
        if (lane == 0u) {
            flag = u32(state[b * 6u + 2u] > 0.5);
        }
        if (workgroupUniformLoad(&flag) == 1u) {
            continue;
        }
        let base = b * cells;
        for (var s = lane; s < cells; s += LANES) {
            zs[s] = z[base + s];
        }
        var t = u32(state[b * 6u]);
        var previous = state[b * 6u + 1u];
        var entropy = 0.0;
        var unary = 0.0;
        var pairwise = 0.0;
        var stopped = 0.0;
        var from_at = 0u;
        workgroupBarrier();

        for (var turn = 0u; turn < passes; turn += 1u) {
            let to_at = CELLS - from_at;
            var own = vec3<f32>(0.0);
            for (var row = lane; row < n; row += LANES) {
                let at = row * k;
                let first = b * e_count + u32(row_ptr[b * (n + 1u) + row]);
                let end = b * e_count + u32(row_ptr[b * (n + 1u) + row + 1u]);
                var top = -3.4028234e38;
                for (var c = 0u; c < k; c += 1u) {
                    var pull = 0.0;
                    for (var e = first; e < end; e += 1u) {
                        pull = fma(weight[e], zs[from_at + u32(col[e]) * k + c], pull);
                    }
                    let zc = zs[from_at + at + c];
                    let ac = a[base + at + c];
                    own += vec3<f32>(zc * log(max(zc, TINY)), zc * ac, zc * pull);
                    let u = fma(lambda, pull, -ac);
                    top = max(top, u);
                    zs[to_at + at + c] = u;
                }
                if (row < fixed_rows) {
                    for (var c = 0u; c < k; c += 1u) {
                        zs[to_at + at + c] = zs[from_at + at + c];
                    }
                } else {
                    var sum = 0.0;
                    for (var c = 0u; c < k; c += 1u) {
                        let value = exp(zs[to_at + at + c] - top);
                        sum += value;
                        zs[to_at + at + c] = value;
                    }
                    let scale = 1.0 / sum;
                    for (var c = 0u; c < k; c += 1u) {
                        zs[to_at + at + c] *= scale;
                    }
                }
            }
            // The sums also wait for every row of the pass.
            entropy = total(own.x, lane);
            unary = total(own.y, lane);
            pairwise = total(own.z, lane);
            let energy = entropy + unary - factor * pairwise;
            let settled = t > 2u && abs(energy - previous) <= tolerance * abs(previous);
            if (lane == 0u) {
                flag = u32(settled || t >= max_iterations);
            }
            previous = energy;
            if (workgroupUniformLoad(&flag) == 1u) {
                stopped = 1.0;
                break;
            }
            t += 1u;
            from_at = to_at;
        }

        for (var s = lane; s < cells; s += LANES) {
            z[base + s] = zs[from_at + s];
        }
        if (lane == 0u) {
            state[b * 6u] = f32(t);
            state[b * 6u + 1u] = previous;
            state[b * 6u + 2u] = stopped;
            state[b * 6u + 3u] = entropy;
            state[b * 6u + 4u] = unary;
            state[b * 6u + 5u] = pairwise;
        }
        workgroupBarrier();
    }
}
