// pairwise_few: pairwise_sqdist for few rows of y (64 at most), which then stay in the nearest cache.
//
//   out[b, i, j] = sum over d of (x[b, i, d] - y[b, j, d])^2
//
// Dispatch: x = ceil(N M / 64), y = B (or fewer: episodes are strided over y). One thread makes one entry; there is
// nothing to share and nothing to wait for, which suits tasks of 5 to 20 classes better than tiles of 16 x 16.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;       // [B, N, D]
@group(0) @binding(1) var<storage, read_write> y: array<f32>;       // [B, M, D]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;     // [B, N, M]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;   // B, N, M, D

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b_count = sizes[0];
    let n = sizes[1];
    let m = sizes[2];
    let d = sizes[3];
    let cells = n * m;
    for (var cell = group.x * 64u + lane; cell < cells; cell += groups.x * 64u) {
        for (var b = group.y; b < b_count; b += groups.y) {
            let x_at = (b * n + cell / m) * d;
            let y_at = (b * m + cell % m) * d;
            var sum = 0.0;
            for (var k = 0u; k < d; k += 1u) {
                let diff = x[x_at + k] - y[y_at + k];
                sum = fma(diff, diff, sum);
            }
            out[b * cells + cell] = sum;
        }
    }
}
