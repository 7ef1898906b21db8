// nearest_few: nearest for few prototypes (16 at most), which then stay in the nearest cache.
//
// Dispatch: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). One thread owns one row; there is nothing
// to share and nothing to wait for. Ties go to the lower prototype number.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;            // [B, N, D]
@group(0) @binding(1) var<storage, read_write> prototypes: array<f32>;   // [B, M, D]
@group(0) @binding(2) var<storage, read_write> label: array<i32>;        // [B, N]
@group(0) @binding(3) var<storage, read_write> sqdist: array<f32>;       // [B, N]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;        // B, N, M, D

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
    for (var row = group.x * 64u + lane; row < n; row += groups.x * 64u) {
        for (var b = group.y; b < b_count; b += groups.y) {
            let x_at = (b * n + row) * d;
            var best = 3.4028234e38;
            var who = 0u;
            for (var c = 0u; c < m; c += 1u) {
                let p_at = (b * m + c) * d;
                var sum = 0.0;
                for (var k = 0u; k < d; k += 1u) {
                    let diff = x[x_at + k] - prototypes[p_at + k];
                    sum = fma(diff, diff, sum);
                }
                if (sum < best) {
                    best = sum;
                    who = c;
                }
            }
            label[b * n + row] = i32(who);
            sqdist[b * n + row] = best;
        }
    }
}
