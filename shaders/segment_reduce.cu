// segment_reduce: adds the blocks of segment_partial, in order, and parts the sums from the counts.
//
// Grid: x = ceil(K (D + 1) / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread owns one sum.
// Twin of segment_reduce.wgsl: same arguments in the same order.

extern "C" __global__ void segment_reduce(
    const float* blocksums,       // [B, blocks, K, D + 1]
    float* sum,                 // [B, K, D]
    float* count,               // [B, K]
    const unsigned int* sizes   // B, D, K, blocks
) {
    const unsigned int b_count = sizes[0], d = sizes[1], k = sizes[2], blocks = sizes[3];
    const unsigned int cells = k * (d + 1u);
    const unsigned int cell = blockIdx.x * 64u + threadIdx.x;
    if (cell >= cells) {
        return;
    }
    const unsigned int class_id = cell / (d + 1u);
    const unsigned int column = cell % (d + 1u);
    for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
        float total = 0.0f;
        for (unsigned int block = 0; block < blocks; block++) {
            total += blocksums[((size_t)b * blocks + block) * cells + cell];
        }
        if (column < d) {
            sum[((size_t)b * k + class_id) * d + column] = total;
        } else {
            count[(size_t)b * k + class_id] = total;
        }
    }
}
