// bound_step: one bound update z' = softmax(-a + lambda W z), rows in parallel, with the energy terms of z.
//
// Grid: x = ceil(N / 64), y = B (or fewer: episodes are strided over y). Block: 64. One thread owns one row; W is in
// compressed-row form with indices local to the episode. The first `fixed` rows keep their z.
// energy_terms adds the partial terms of the blocks. Twin of bound_step.wgsl: same arguments in the same order.

#define ROWS 64u
#define TINY 1e-20f

extern "C" __global__ void bound_step(
    const float* a,             // [B, N, K] costs
    const float* z,             // [B, N, K]
    const int* row_ptr,         // [B, N + 1]
    const int* col,             // [B, E]
    const float* weight,        // [B, E]
    float* next,                // [B, N, K]
    float* terms,               // [B, blocks, 3] entropy, unary, pairwise
    const unsigned int* sizes   // B, N, K, E, fixed, bits of lambda, blocks
) {
    __shared__ float parts[3][ROWS];
    const unsigned int b_count = sizes[0], n = sizes[1], k = sizes[2], e_count = sizes[3], fixed_rows = sizes[4];
    const float lambda = __uint_as_float(sizes[5]);
    const unsigned int lane = threadIdx.x;
    const unsigned int row = blockIdx.x * ROWS + lane;

    for (unsigned int b = blockIdx.y; b < b_count; b += gridDim.y) {
        float entropy = 0.0f, unary = 0.0f, pairwise = 0.0f;
        if (row < n) {
            const size_t base = (size_t)b * n * k;
            const size_t at = base + (size_t)row * k;
            const size_t first = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row];
            const size_t end = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row + 1u];
            float top = -3.4028234e38f;
            for (unsigned int c = 0; c < k; c++) {
                float pull = 0.0f;
                for (size_t e = first; e < end; e++) {
                    pull = fmaf(weight[e], z[base + (size_t)col[e] * k + c], pull);
                }
                const float zc = z[at + c];
                entropy += zc * logf(fmaxf(zc, TINY));
                unary += zc * a[at + c];
                pairwise += zc * pull;
                // The exponent waits in the place of the result.
                const float u = fmaf(lambda, pull, -a[at + c]);
                top = fmaxf(top, u);
                next[at + c] = u;
            }
            if (row < fixed_rows) {
                for (unsigned int c = 0; c < k; c++) {
                    next[at + c] = z[at + c];
                }
            } else {
                float sum = 0.0f;
                for (unsigned int c = 0; c < k; c++) {
                    const float value = expf(next[at + c] - top);
                    sum += value;
                    next[at + c] = value;
                }
                const float scale = 1.0f / sum;
                for (unsigned int c = 0; c < k; c++) {
                    next[at + c] *= scale;
                }
            }
        }
        parts[0][lane] = entropy;
        parts[1][lane] = unary;
        parts[2][lane] = pairwise;
        __syncthreads();
        for (unsigned int half = ROWS / 2u; half > 0u; half /= 2u) {
            if (lane < half) {
                parts[0][lane] += parts[0][lane + half];
                parts[1][lane] += parts[1][lane + half];
                parts[2][lane] += parts[2][lane + half];
            }
            __syncthreads();
        }
        if (lane == 0u) {
            const size_t out = ((size_t)b * sizes[6] + blockIdx.x) * 3u;
            terms[out] = parts[0][0];
            terms[out + 1u] = parts[1][0];
            terms[out + 2u] = parts[2][0];
        }
        __syncthreads();
    }
}
