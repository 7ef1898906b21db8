// pairwise_sqdist: squared Euclidean distances of all rows of x to all rows of y, per episode.
//
//   out[b, i, j] = sum over d of (x[b, i, d] - y[b, j, d])^2
//
// Dispatch: x = ceil(M / 16), y = ceil(N / 16), z = B (or fewer: episodes are strided over z).
// A workgroup makes a 16 x 16 tile of out, reading 16 coordinates of 16 + 16 rows at a time.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;       // [B, N, D]
@group(0) @binding(1) var<storage, read_write> y: array<f32>;       // [B, M, D]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;     // [B, N, M]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;   // B, N, M, D

const T: u32 = 16u;
// Rows of T + 1: neighbouring rows fall into different memory banks.
var<workgroup> xs: array<f32, 272>;
var<workgroup> ys: array<f32, 272>;
// The sizes, so that every thread provably sees the same ones (workgroupUniformLoad): barriers need that.
var<workgroup> dims: array<u32, 4>;

@compute @workgroup_size(16, 16, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
    @builtin(local_invocation_index) linear: u32,
) {
    if (linear < 4u) {
        dims[linear] = sizes[linear];
    }
    let known = workgroupUniformLoad(&dims);
    let b_count = known[0];
    let n = known[1];
    let m = known[2];
    let d = known[3];
    let i = group.y * T + lane.y;
    let j = group.x * T + lane.x;
    // The row of y this thread loads: not the one it computes, so that reads run along memory.
    let j_load = group.x * T + lane.y;

    // Every thread walks the same episodes and tiles, so that the barriers stay uniform.
    for (var b = group.z; b < b_count; b += groups.z) {
        var sum = 0.0;
        for (var start = 0u; start < d; start += T) {
            let k = start + lane.x;
            var xv = 0.0;
            var yv = 0.0;
            if (k < d && i < n) {
                xv = x[(b * n + i) * d + k];
            }
            if (k < d && j_load < m) {
                yv = y[(b * m + j_load) * d + k];
            }
            xs[lane.y * (T + 1u) + lane.x] = xv;
            ys[lane.y * (T + 1u) + lane.x] = yv;
            workgroupBarrier();
            for (var s = 0u; s < T; s += 1u) {
                let diff = xs[lane.y * (T + 1u) + s] - ys[lane.x * (T + 1u) + s];
                sum = fma(diff, diff, sum);
            }
            workgroupBarrier();
        }
        if (i < n && j < m) {
            out[(b * n + i) * m + j] = sum;
        }
    }
}
