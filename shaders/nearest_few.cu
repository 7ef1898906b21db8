// nearest_few: nearest for few prototypes (16 at most), which then stay in the nearest cache.
//
// Grid: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread owns one row; there is
// nothing to share and nothing to wait for. Ties go to the lower prototype number.
// Twin of nearest_few.wgsl: same arguments in the same order.

extern "C" __global__ void nearest_few(
    const float* x,             // [B, N, D]
    const float* prototypes,    // [B, M, D]
    int* label,                 // [B, N]
    float* sqdist,              // [B, N]
    const unsigned int* sizes   // B, N, M, D
) {
    const unsigned int b_count = sizes[0], n = sizes[1], m = sizes[2], d = sizes[3];
    for (unsigned int row = blockIdx.x * 64u + threadIdx.x; row < n; row += gridDim.x * 64u) {
        for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
            const float* const xr = x + ((size_t)b * n + row) * d;
            float best = 3.4028234e38f;
            unsigned int who = 0u;
            for (unsigned int c = 0; c < m; c++) {
                const float* const pr = prototypes + ((size_t)b * m + c) * d;
                float sum = 0.0f;
                for (unsigned int k = 0; k < d; k++) {
                    const float diff = xr[k] - pr[k];
                    sum = fmaf(diff, diff, sum);
                }
                if (sum < best) {
                    best = sum;
                    who = c;
                }
            }
            label[(size_t)b * n + row] = (int)who;
            sqdist[(size_t)b * n + row] = best;
        }
    }
}
