// energy_terms: adds the partial energy terms that the workgroups of bound_step left, per episode.
//
// Dispatch: x = B (or fewer: episodes are strided over x). A workgroup adds in a tree of 64.

@group(0) @binding(0) var<storage, read_write> terms: array<f32>;    // [B, parts, 3]
@group(0) @binding(1) var<storage, read_write> energy: array<f32>;   // [B, 3]
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;    // B, parts

const LANES: u32 = 64u;

var<workgroup> sums: array<vec3<f32>, 64>;
// The sizes, so that every thread provably sees the same ones (workgroupUniformLoad): barriers need that.
var<workgroup> dims: array<u32, 2>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    if (lane < 2u) {
        dims[lane] = sizes[lane];
    }
    let known = workgroupUniformLoad(&dims);
    let count = known[1];
    for (var b = group.x; b < known[0]; b += groups.x) {
        var own = vec3<f32>(0.0);
        for (var part = lane; part < count; part += LANES) {
            let at = (b * count + part) * 3u;
            own += vec3<f32>(terms[at], terms[at + 1u], terms[at + 2u]);
        }
        sums[lane] = own;
        workgroupBarrier();
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            workgroupBarrier();
        }
        if (lane == 0u) {
            energy[b * 3u] = sums[0].x;
            energy[b * 3u + 1u] = sums[0].y;
            energy[b * 3u + 2u] = sums[0].z;
        }
        workgroupBarrier();
    }
}
