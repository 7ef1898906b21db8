// knn: the k nearest other rows of each row, per episode, ascending by (distance, index); the N x N matrix is
// never stored.
//
// Dispatch: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). One thread owns one query row and
// keeps its best k in a private list; the workgroup reads 16 candidates x 16 coordinates at a time.
// k <= 32 and k < N. A row never is its own neighbour. Rows whose distances are not finite keep valid numbers.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;        // [B, N, D]
@group(0) @binding(1) var<storage, read_write> index: array<i32>;    // [B, N, k]
@group(0) @binding(2) var<storage, read_write> sqdist: array<f32>;   // [B, N, k]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;    // B, N, D, k

const ROWS: u32 = 64u;
const T: u32 = 16u;
const INFINITE: f32 = 3.4028234e38;

// Queries in rows of T + 1, candidates as [coordinate][candidate / 4].
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
    let d = known[2];
    let k = known[3];
    let row = group.x * ROWS + lane;

    for (var b = group.y; b < b_count; b += groups.y) {
        let base = b * n;
        var best: array<f32, 32>;
        var who: array<u32, 32>;
        for (var s = 0u; s < k; s += 1u) {
            best[s] = INFINITE;
            who[s] = (row + 1u + s) % n;
        }
        for (var first = 0u; first < n; first += T) {
            var a0 = vec4<f32>(0.0);
            var a1 = vec4<f32>(0.0);
            var a2 = vec4<f32>(0.0);
            var a3 = vec4<f32>(0.0);
            for (var start = 0u; start < d; start += T) {
                // 64 x 16 coordinates of queries, 16 x 16 of candidates; zero outside.
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
                    // This thread loads candidates 4·(lane / 16) .. + 4 at coordinate lane % 16.
                    let dim = start + lane % T;
                    let c = first + 4u * (lane / T);
                    var value = vec4<f32>(0.0);
                    if (dim < d) {
                        if (c < n) { value.x = x[(base + c) * d + dim]; }
                        if (c + 1u < n) { value.y = x[(base + c + 1u) * d + dim]; }
                        if (c + 2u < n) { value.z = x[(base + c + 2u) * d + dim]; }
                        if (c + 3u < n) { value.w = x[(base + c + 3u) * d + dim]; }
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
                let c = first + s;
                let value = found[s / 4u][s % 4u];
                if (c < n && c != row && value < best[k - 1u]) {
                    // Candidates come in ascending order: an equal distance stays behind.
                    var slot = k - 1u;
                    while (slot > 0u && value < best[slot - 1u]) {
                        best[slot] = best[slot - 1u];
                        who[slot] = who[slot - 1u];
                        slot -= 1u;
                    }
                    best[slot] = value;
                    who[slot] = c;
                }
            }
        }
        if (row < n) {
            for (var s = 0u; s < k; s += 1u) {
                index[(base + row) * k + s] = i32(who[s]);
                sqdist[(base + row) * k + s] = best[s];
            }
        }
    }
}
