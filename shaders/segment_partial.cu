// segment_partial: per-class sums of blocks of rows; segment_reduce adds the blocks.
//
// Grid: x = ceil((D + 1) / 64), y = number of row blocks, z = B (or fewer: episodes are strided over z). Block: 64.
// Column D is a column of ones, so that its sums are the counts. One thread owns one column and adds the rows of its
// block one after the other, 60 classes at a time, in shared memory: no atomics, and always the same order.
// Labels outside 0..K count nowhere. Twin of segment_partial.wgsl: same arguments in the same order.

#define COLUMNS 64u
#define CLASSES 60u

extern "C" __global__ void segment_partial(
    const float* x,             // [B, N, D]
    const int* label,           // [B, N]
    float* blocksums,             // [B, blocks, K, D + 1]
    const unsigned int* sizes   // B, N, D, K, blocks, rows of a block
) {
    // [class][column]: a thread touches its own column only, so no barrier is needed.
    __shared__ float sums[CLASSES * COLUMNS];
    const unsigned int b_count = sizes[0], n = sizes[1], d = sizes[2], k = sizes[3], blocks = sizes[4], rows = sizes[5];
    const unsigned int lane = threadIdx.x;
    const unsigned int column = blockIdx.x * COLUMNS + lane;
    if (column > d) {
        return;
    }
    for (unsigned int b = blockIdx.z; b < b_count; b += gridDim.z) {
        for (unsigned int block = blockIdx.y; block < blocks; block += gridDim.y) {
            const unsigned int end = min(n, (block + 1u) * rows);
            for (unsigned int low = 0; low < k; low += CLASSES) {
                const unsigned int here = min(CLASSES, k - low);
                for (unsigned int c = 0; c < here; c++) {
                    sums[c * COLUMNS + lane] = 0.0f;
                }
                for (unsigned int row = block * rows; row < end; row++) {
                    // A negative label becomes a large number.
                    const unsigned int c = (unsigned int)label[(size_t)b * n + row] - low;
                    if (c < here) {
                        sums[c * COLUMNS + lane] += column < d ? x[((size_t)b * n + row) * d + column] : 1.0f;
                    }
                }
                for (unsigned int c = 0; c < here; c++) {
                    blocksums[(((size_t)b * blocks + block) * k + low + c) * (d + 1u) + column] = sums[c * COLUMNS + lane];
                }
            }
        }
    }
}
