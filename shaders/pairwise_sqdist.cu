// pairwise_sqdist: squared Euclidean distances of all rows of x to all rows of y, per episode.
//
//   out[b, i, j] = sum over d of (x[b, i, d] - y[b, j, d])^2
//
// Grid: x = ceil(M / 16), y = ceil(N / 16), z = B (or fewer: episodes are strided over z). Block: 16 x 16.
// A block makes a 16 x 16 tile of out, reading 16 coordinates of 16 + 16 rows at a time.
// Twin of pairwise_sqdist.wgsl: same arguments in the same order.

#define T 16u

extern "C" __global__ void pairwise_sqdist(
    const float* x,             // [B, N, D]
    const float* y,             // [B, M, D]
    float* out,                 // [B, N, M]
    const unsigned int* sizes   // B, N, M, D
) {
    // Rows of T + 1: neighbouring rows fall into different memory banks.
    __shared__ float xs[T][T + 1];
    __shared__ float ys[T][T + 1];
    const unsigned int b_count = sizes[0], n = sizes[1], m = sizes[2], d = sizes[3];
    const unsigned int tx = threadIdx.x, ty = threadIdx.y;
    const unsigned int i = blockIdx.y * T + ty;
    const unsigned int j = blockIdx.x * T + tx;
    // The row of y this thread loads: not the one it computes, so that reads run along memory.
    const unsigned int j_load = blockIdx.x * T + ty;

    for (unsigned int b = blockIdx.z; b < b_count; b += gridDim.z) {
        float sum = 0.0f;
        for (unsigned int start = 0; start < d; start += T) {
            const unsigned int k = start + tx;
            xs[ty][tx] = (k < d && i < n) ? x[((size_t)b * n + i) * d + k] : 0.0f;
            ys[ty][tx] = (k < d && j_load < m) ? y[((size_t)b * m + j_load) * d + k] : 0.0f;
            __syncthreads();
#pragma unroll
            for (unsigned int s = 0; s < T; s++) {
                const float diff = xs[ty][s] - ys[tx][s];
                sum = fmaf(diff, diff, sum);
            }
            __syncthreads();
        }
        if (i < n && j < m) {
            out[((size_t)b * n + i) * m + j] = sum;
        }
    }
}
