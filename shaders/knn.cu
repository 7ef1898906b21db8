// knn: the k nearest other rows of each row, per episode, ascending by (distance, index); the N x N matrix is
// never stored.
//
// Grid: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread owns one query row
// and keeps its best k in a private list; the block reads 16 candidates x 16 coordinates at a time.
// k <= 32 and k < N. A row never is its own neighbour. Rows whose distances are not finite keep valid numbers.
// Twin of knn.wgsl: same arguments in the same order.

#define ROWS 64u
#define T 16u
#define INFINITE 3.4028234e38f

extern "C" __global__ void knn(
    const float* x,             // [B, N, D]
    int* index,                 // [B, N, k]
    float* sqdist,              // [B, N, k]
    const unsigned int* sizes   // B, N, D, k
) {
    __shared__ float xs[ROWS][T + 1];
    __shared__ float cs[T][T];
    const unsigned int b_count = sizes[0], n = sizes[1], d = sizes[2], k = sizes[3];
    const unsigned int lane = threadIdx.x;
    const unsigned int row = blockIdx.x * ROWS + lane;

    for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
        const size_t base = (size_t)b * n;
        float best[32];
        unsigned int who[32];
        for (unsigned int s = 0; s < k; s++) {
            best[s] = INFINITE;
            who[s] = (row + 1u + s) % n;
        }
        for (unsigned int first = 0; first < n; first += T) {
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
                    cs[s % T][s / T] = (c < n && dim < d) ? x[(base + c) * d + dim] : 0.0f;
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
                const unsigned int c = first + s;
                const float value = acc[s];
                if (c < n && c != row && value < best[k - 1u]) {
                    // Candidates come in ascending order: an equal distance stays behind.
                    unsigned int slot = k - 1u;
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
            for (unsigned int s = 0; s < k; s++) {
                index[(base + row) * k + s] = (int)who[s];
                sqdist[(base + row) * k + s] = best[s];
            }
        }
    }
}
