// segment_partial: per-class sums of blocks of rows; segment_reduce adds the blocks.
//
// Dispatch: x = ceil((D + 1) / 64), y = number of row blocks, z = B (or fewer: episodes are strided over z).
// Column D is a column of ones, so that its sums are the counts. One thread owns one column and adds the rows of its
// block one after the other, 60 classes at a time, in workgroup memory: no atomics, and always the same order.
// Labels outside 0..K count nowhere.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;         // [B, N, D]
@group(0) @binding(1) var<storage, read_write> label: array<i32>;     // [B, N]
@group(0) @binding(2) var<storage, read_write> blocksums: array<f32>;   // [B, blocks, K, D + 1]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;     // B, N, D, K, blocks, rows of a block

const COLUMNS: u32 = 64u;
const CLASSES: u32 = 60u;

// [class][column]: a thread touches its own column only, so no barrier is needed.
var<workgroup> sums: array<f32, 3840>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b_count = sizes[0];
    let n = sizes[1];
    let d = sizes[2];
    let k = sizes[3];
    let blocks = sizes[4];
    let rows = sizes[5];
    let column = group.x * COLUMNS + lane;
    if (column > d) {
        return;
    }
    for (var b = group.z; b < b_count; b += groups.z) {
        for (var block = group.y; block < blocks; block += groups.y) {
            let end = min(n, (block + 1u) * rows);
            for (var low = 0u; low < k; low += CLASSES) {
                let here = min(CLASSES, k - low);
                for (var c = 0u; c < here; c += 1u) {
                    sums[c * COLUMNS + lane] = 0.0;
                }
                for (var row = block * rows; row < end; row += 1u) {
                    // A negative label becomes a large number.
                    let c = bitcast<u32>(label[b * n + row]) - low;
                    if (c < here) {
                        var value = 1.0;
                        if (column < d) {
                            value = x[(b * n + row) * d + column];
                        }
                        sums[c * COLUMNS + lane] += value;
                    }
                }
                for (var c = 0u; c < here; c += 1u) {
                    blocksums[((b * blocks + block) * k + low + c) * (d + 1u) + column] = sums[c * COLUMNS + lane];
                }
            }
        }
    }
}
