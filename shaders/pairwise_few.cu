// pairwise_few: pairwise_sqdist for few rows of y (64 at most), which then stay in the nearest cache.
//
//   out[b, i, j] = sum over d of (x[b, i, d] - y[b, j, d])^2
//
// Grid: x = ceil(N M / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread makes one entry; there
// is nothing to share and nothing to wait for, which suits tasks of 5 to 20 classes better than tiles of 16 x 16.
// Twin of pairwise_few.wgsl: same arguments in the same order.

extern "C" __global__ void pairwise_few(
    const float* x,             // [B, N, D]
    const float* y,             // [B, M, D]
    float* out,                 // [B, N, M]
    const unsigned int* sizes   // B, N, M, D
) {
    const unsigned int b_count = sizes[0], n = sizes[1], m = sizes[2], d = sizes[3];
    const unsigned int cells = n * m;
    for (unsigned int cell = blockIdx.x * 64u + threadIdx.x; cell < cells; cell += gridDim.x * 64u) {
        for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
            const float* const xr = x + ((size_t)b * n + cell / m) * d;
            const float* const yr = y + ((size_t)b * m + cell % m) * d;
            float sum = 0.0f;
            for (unsigned int k = 0; k < d; k++) {
                const float diff = xr[k] - yr[k];
                sum = fmaf(diff, diff, sum);
            }
            out[(size_t)b * cells + cell] = sum;
        }
    }
}
