// bound_step: one bound update z' = softmax(-a + lambda W z), rows in parallel, with the energy terms of z.
//
// Dispatch: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). One thread owns one row; W is in
// compressed-row form with indices local to the episode. The first `fixed` rows keep their z.
// energy_terms adds the partial terms of the workgroups.

@group(0) @binding(0) var<storage, read_write> a: array<f32>;         // [B, N, K] costs
@group(0) @binding(1) var<storage, read_write> z: array<f32>;         // [B, N, K]
@group(0) @binding(2) var<storage, read_write> row_ptr: array<i32>;   // [B, N + 1]
@group(0) @binding(3) var<storage, read_write> col: array<i32>;       // [B, E]
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;    // [B, E]
@group(0) @binding(5) var<storage, read_write> next: array<f32>;      // [B, N, K]
@group(0) @binding(6) var<storage, read_write> terms: array<f32>;     // [B, workgroups, 3] entropy, unary, pairwise
@group(0) @binding(7) var<storage, read_write> sizes: array<u32>;     // B, N, K, E, fixed, bits of lambda, workgroups

const ROWS: u32 = 64u;
const TINY: f32 = 1e-20;

var<workgroup> parts: array<vec3<f32>, 64>;
// The sizes, so that every thread provably sees the same ones (workgroupUniformLoad): barriers need that.
var<workgroup> dims: array<u32, 7>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    if (lane < 7u) {
        dims[lane] = sizes[lane];
    }
    let known = workgroupUniformLoad(&dims);
    let b_count = known[0];
    let n = known[1];
    let k = known[2];
    let e_count = known[3];
    let fixed_rows = known[4];
    let lambda = bitcast<f32>(known[5]);
    let row = group.x * ROWS + lane;

    for (var b = group.y; b < b_count; b += groups.y) {
        var own = vec3<f32>(0.0);
        if (row < n) {
            let base = b * n * k;
            let at = base + row * k;
            let first = u32(row_ptr[b * (n + 1u) + row]);
            let end = u32(row_ptr[b * (n + 1u) + row + 1u]);
            var top = -3.4028234e38;
            for (var c = 0u; c < k; c += 1u) {
                var pull = 0.0;
                for (var e = b * e_count + first; e < b * e_count + end; e += 1u) {
                    pull = fma(weight[e], z[base + u32(col[e]) * k + c], pull);
                }
                let zc = z[at + c];
                own += vec3<f32>(zc * log(max(zc, TINY)), zc * a[at + c], zc * pull);
                // The exponent waits in the place of the result.
                let u = fma(lambda, pull, -a[at + c]);
                top = max(top, u);
                next[at + c] = u;
            }
            if (row < fixed_rows) {
                for (var c = 0u; c < k; c += 1u) {
                    next[at + c] = z[at + c];
                }
            } else {
                var sum = 0.0;
                for (var c = 0u; c < k; c += 1u) {
                    let value = exp(next[at + c] - top);
                    sum += value;
                    next[at + c] = value;
                }
                let scale = 1.0 / sum;
                for (var c = 0u; c < k; c += 1u) {
                    next[at + c] *= scale;
                }
            }
        }
        parts[lane] = own;
        workgroupBarrier();
        for (var half = ROWS / 2u; half > 0u; half /= 2u) {
            if (lane < half) {
                parts[lane] += parts[lane + half];
            }
            workgroupBarrier();
        }
        if (lane == 0u) {
            let out = (b * known[6] + group.x) * 3u;
            terms[out] = parts[0].x;
            terms[out + 1u] = parts[0].y;
            terms[out + 2u] = parts[0].z;
        }
        workgroupBarrier();
    }
}
