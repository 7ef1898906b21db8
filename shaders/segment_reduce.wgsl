// segment_reduce: adds the blocks of segment_partial, in order, and parts the sums from the counts.
//
// Dispatch: x = ceil(K (D + 1) / 64), y = B (or fewer: episodes are strided over y). One thread owns one sum.

@group(0) @binding(0) var<storage, read_write> blocksums: array<f32>;   // [B, blocks, K, D + 1]
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;       // [B, K, D]
@group(0) @binding(2) var<storage, read_write> count: array<f32>;     // [B, K]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;     // B, D, K, blocks

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b_count = sizes[0];
    let d = sizes[1];
    let k = sizes[2];
    let blocks = sizes[3];
    let cells = k * (d + 1u);
    let cell = group.x * 64u + lane;
    if (cell >= cells) {
        return;
    }
    let class_id = cell / (d + 1u);
    let column = cell % (d + 1u);
    for (var b = group.y; b < b_count; b += groups.y) {
        var total = 0.0;
        for (var block = 0u; block < blocks; block += 1u) {
            total += blocksums[(b * blocks + block) * cells + cell];
        }
        if (column < d) {
            sum[(b * k + class_id) * d + column] = total;
        } else {
            count[b * k + class_id] = total;
        }
    }
}
