// nearest: the nearest of M prototypes for each row, per episode; the N x M matrix is never stored.
//
// Grid: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread owns one row; the
// block reads 16 prototypes x 16 coordinates at a time. Ties go to the lower prototype number.
// Twin of nearest.wgsl: same arguments in the same order.

#define ROWS 64u
#define T 16u
#define INFINITE 3.4028234e38f

extern "C" __global__ void nearest(
    const float* x,             // [B, N, D]
    const float* prototypes,    // [B, M, D]
    int* label,                 // [B, N]
    float* sqdist,              // [B, N]
    const unsigned int* sizes   // B, N, M, D
) {
    __shared__ float xs[ROWS][T + 1];
    __shared__ float cs[T][T];
    const unsigned int b_count = sizes[0], n = sizes[1], m = sizes[2], d = sizes[3];
    const unsigned int lane = threadIdx.x;
    const unsigned int row = blockIdx.x * ROWS + lane;

    for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
        const size_t base = (size_t)b * n;
        const size_t p_base = (size_t)b * m;
        float best = INFINITE;
        unsigned int who = 0u;
        for (unsigned int first = 0; first < m; first += T) {
            float acc[T];
#pragma unroll
            for (unsigned int c = 0; c < T; c++) {
                acc[c] = 0.0f;
            }
            for (unsigned int start = 0; start < d; start += T) {
                for (unsigned int s = lane; s < ROWS * T; s += ROWS) {
                    const unsigned int q = blockIdx.x * ROWS + s / T;
                    const unsigned int dim = start + s % T;
                    xs[s / T][s % T] = (q < n && dim < d) ? x[(base + q) * d + dim] : 0.0f;
                }
                for (unsigned int s = lane; s < T * T; s += ROWS) {
                    const unsigned int c = first + s / T;
                    const unsigned int dim = start + s % T;
                    cs[s % T][s / T] = (c < m && dim < d) ? prototypes[(p_base + c) * d + dim] : 0.0f;
                }
                __syncthreads();
#pragma unroll
                for (unsigned int s = 0; s < T; s++) {
                    const float v = xs[lane][s];
#pragma unroll
                    for (unsigned int c = 0; c < T; c++) {
                        const float diff = cs[s][c] - v;
                        acc[c] = fmaf(diff, diff, acc[c]);
                    }
                }
                __syncthreads();
            }
#pragma unroll
            for (unsigned int s = 0; s < T; s++) {
                if (first + s < m && acc[s] < best) {
                    best = acc[s];
                    who = first + s;
                }
            }
        }
        if (row < n) {
            label[base + row] = (int)who;
            sqdist[base + row] = best;
        }
    }
}
