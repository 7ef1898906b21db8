// bound_loop: many bound updates of an episode in one launch, until its energy settles.
//
// Dispatch: x = B (or fewer: episodes are strided over x). One workgroup keeps the assignments of one episode in
// workgroup memory, twice, and repeats z' = softmax(-a + lambda W z) with a barrier after each pass. Pass t knows the
// energy E = entropy + unary - factor * lambda * pairwise of z_t; the episode stops when t > 2 and
// |E - E_prev| <= tolerance * |E_prev|, or at t = max_iterations. A launch does at most `passes` passes and leaves
// its state for the next one. N * K <= 1920.
//
// The change of E is the sum of the changes of its rows: that keeps a tolerance of 1e-7 meaningful in f32, where two
// sums would differ by rounding alone. With u = -a + lambda W z and z' = softmax(u), a row's entropy + unary is
// lambda z'.(W z) - log sum exp u: one logarithm a row.

@group(0) @binding(0) var<storage, read_write> a: array<f32>;         // [B, N, K] costs
@group(0) @binding(1) var<storage, read_write> z: array<f32>;         // [B, N, K], read at the start, written at the end
@group(0) @binding(2) var<storage, read_write> row_ptr: array<i32>;   // [B, N + 1]
@group(0) @binding(3) var<storage, read_write> col: array<i32>;       // [B, E]
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;    // [B, E]
@group(0) @binding(5) var<storage, read_write> state: array<f32>;     // [B, 6 + 2 N] t, E, stopped, entropy, unary, pairwise; entropy + unary of each row; E of each row
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

// The natural logarithm of a positive number to about 1 ulp (Cephes logf); the built-in one may be off by 8.
fn ln(x: f32) -> f32 {
    let parts = frexp(x);
    var m = parts.fract;
    var e = f32(parts.exp);
    if (m < 0.70710677) {
        m += m;
        e -= 1.0;
    }
    let f = m - 1.0;
    let f2 = f * f;
    var p = 7.0376836e-2;
    p = fma(p, f, -1.1514610e-1);
    p = fma(p, f, 1.1676998e-1);
    p = fma(p, f, -1.2420141e-1);
    p = fma(p, f, 1.4249323e-1);
    p = fma(p, f, -1.6668057e-1);
    p = fma(p, f, 2.0000714e-1);
    p = fma(p, f, -2.4999994e-1);
    p = fma(p, f, 3.3333331e-1);
    var y = p * f * f2;
    y = fma(e, -2.1219444e-4, y);
    y = fma(f2, -0.5, y);
    return fma(e, 0.693359375, f + y);
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
        let base = b * cells;
        let head = b * (6u + 2u * n);
        let without_pairs = head + 6u;
        let row_energy = without_pairs + n;
        // A stopped episode is left as it is; the flag is loaded so that all threads agree.
        if (lane == 0u) {
            flag = u32(state[head + 2u] > 0.5);
        }
        if (workgroupUniformLoad(&flag) == 1u) {
            continue;
        }
        for (var s = lane; s < cells; s += LANES) {
            zs[s] = z[base + s];
        }
        var t = u32(state[head]);
        var energy = state[head + 1u];
        var pairwise = 0.0;
        var stopped = 0.0;
        var from_at = 0u;
        workgroupBarrier();

        for (var turn = 0u; turn < passes; turn += 1u) {
            let to_at = CELLS - from_at;
            var own_energy = 0.0;
            var own_change = 0.0;
            pairwise = 0.0;
            for (var row = lane; row < n; row += LANES) {
                let at = row * k;
                let first = b * e_count + u32(row_ptr[b * (n + 1u) + row]);
                let end = b * e_count + u32(row_ptr[b * (n + 1u) + row + 1u]);
                var top = -3.4028234e38;
                var row_pairs = 0.0;
                for (var c = 0u; c < k; c += 1u) {
                    var pull = 0.0;
                    for (var e = first; e < end; e += 1u) {
                        pull = fma(weight[e], zs[from_at + u32(col[e]) * k + c], pull);
                    }
                    row_pairs = fma(zs[from_at + at + c], pull, row_pairs);
                    top = max(top, fma(lambda, pull, -a[base + at + c]));
                    // W z waits in the place of the result.
                    zs[to_at + at + c] = pull;
                }
                if (t == 0u && row < fixed_rows) {
                    // Rows that never move add a constant.
                    var constant = 0.0;
                    for (var c = 0u; c < k; c += 1u) {
                        let zc = zs[from_at + at + c];
                        constant += zc * (log(max(zc, TINY)) + a[base + at + c]);
                    }
                    state[without_pairs + row] = constant;
                }
                let e_row = state[without_pairs + row] - factor * row_pairs;
                own_energy += e_row;
                own_change += e_row - state[row_energy + row];
                state[row_energy + row] = e_row;
                pairwise += row_pairs;

                if (row < fixed_rows) {
                    for (var c = 0u; c < k; c += 1u) {
                        zs[to_at + at + c] = zs[from_at + at + c];
                    }
                } else {
                    var sum = 0.0;
                    var pulled = 0.0;
                    for (var c = 0u; c < k; c += 1u) {
                        let pull = zs[to_at + at + c];
                        let value = exp(fma(lambda, pull, -a[base + at + c]) - top);
                        sum += value;
                        pulled = fma(value, pull, pulled);
                        zs[to_at + at + c] = value;
                    }
                    let scale = 1.0 / sum;
                    for (var c = 0u; c < k; c += 1u) {
                        zs[to_at + at + c] *= scale;
                    }
                    state[without_pairs + row] = fma(lambda, pulled * scale, -(top + ln(sum)));
                }
            }
            // The sums also wait for every row of the pass.
            energy = total(own_energy, lane);
            let change = total(own_change, lane);
            let settled = t > 2u && abs(change) <= tolerance * abs(energy - change);
            if (lane == 0u) {
                flag = u32(settled || t >= max_iterations);
            }
            if (workgroupUniformLoad(&flag) == 1u) {
                stopped = 1.0;
                break;
            }
            t += 1u;
            from_at = to_at;
        }

        var own_unary = 0.0;
        for (var s = lane; s < cells; s += LANES) {
            let value = zs[from_at + s];
            z[base + s] = value;
            own_unary = fma(value, a[base + s], own_unary);
        }
        let unary = total(own_unary, lane);
        let pairs = total(pairwise, lane);
        if (lane == 0u) {
            state[head] = f32(t);
            state[head + 1u] = energy;
            state[head + 2u] = stopped;
            state[head + 3u] = energy + factor * pairs - unary;
            state[head + 4u] = unary;
            state[head + 5u] = pairs;
        }
        workgroupBarrier();
    }
}
