// nearest: the nearest of M prototypes for each row, per episode; the N x M matrix is never stored.
//
// Dispatch: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). One thread owns one row; the workgroup
// reads 16 prototypes x 16 coordinates at a time. Ties go to the lower prototype number.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;            // [B, N, D]
@group(0) @binding(1) var<storage, read_write> prototypes: array<f32>;   // [B, M, D]
@group(0) @binding(2) var<storage, read_write> label: array<i32>;        // [B, N]
@group(0) @binding(3) var<storage, read_write> sqdist: array<f32>;       // [B, N]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;        // B, N, M, D

const ROWS: u32 = 64u;
const T: u32 = 16u;
const INFINITE: f32 = 3.4028234e38;

// Rows of x in rows of T + 1, prototypes as [coordinate][prototype / 4].
var<workgroup> xs: array<f32, 1088>;
var<workgroup> cs: array<vec4<f32>, 64>;
// The sizes, so that every thread provably sees the same ones (workgroupUniformLoad): barriers need that.
var<workgroup> dims: array<u32, 4>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    if (lane < 4u) {
        dims[lane] = sizes[lane];
    }
    let known = workgroupUniformLoad(&dims);
    let b_count = known[0];
    let n = known[1];
    let m = known[2];
    let d = known[3];
    let row = group.x * ROWS + lane;

    for (var b = group.y; b < b_count; b += groups.y) {
        let base = b * n;
        let p_base = b * m;
        var best = INFINITE;
        var who = 0u;
        for (var first = 0u; first < m; first += T) {
            var a0 = vec4<f32>(0.0);
            var a1 = vec4<f32>(0.0);
            var a2 = vec4<f32>(0.0);
            var a3 = vec4<f32>(0.0);
            for (var start = 0u; start < d; start += T) {
                for (var s = lane; s < ROWS * T; s += ROWS) {
                    let q = group.x * ROWS + s / T;
                    let dim = start + s % T;
                    var value = 0.0;
                    if (q < n && dim < d) {
                        value = x[(base + q) * d + dim];
                    }
                    xs[s / T * (T + 1u) + s % T] = value;
                }
                {
                    let dim = start + lane % T;
                    let c = first + 4u * (lane / T);
                    var value = vec4<f32>(0.0);
                    if (dim < d) {
                        if (c < m) { value.x = prototypes[(p_base + c) * d + dim]; }
                        if (c + 1u < m) { value.y = prototypes[(p_base + c + 1u) * d + dim]; }
                        if (c + 2u < m) { value.z = prototypes[(p_base + c + 2u) * d + dim]; }
                        if (c + 3u < m) { value.w = prototypes[(p_base + c + 3u) * d + dim]; }
                    }
                    cs[(lane % T) * 4u + lane / T] = value;
                }
                workgroupBarrier();
                for (var s = 0u; s < T; s += 1u) {
                    let v = vec4<f32>(xs[lane * (T + 1u) + s]);
                    let d0 = cs[s * 4u] - v;
                    let d1 = cs[s * 4u + 1u] - v;
                    let d2 = cs[s * 4u + 2u] - v;
                    let d3 = cs[s * 4u + 3u] - v;
                    a0 = fma(d0, d0, a0);
                    a1 = fma(d1, d1, a1);
                    a2 = fma(d2, d2, a2);
                    a3 = fma(d3, d3, a3);
                }
                workgroupBarrier();
            }
            var found = array<vec4<f32>, 4>(a0, a1, a2, a3);
            for (var s = 0u; s < T; s += 1u) {
                let value = found[s / 4u][s % 4u];
                if (first + s < m && value < best) {
                    best = value;
                    who = first + s;
                }
            }
        }
        if (row < n) {
            label[base + row] = i32(who);
            sqdist[base + row] = best;
        }
    }
}
