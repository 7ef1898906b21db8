// bound_loop: many bound updates of an episode in one launch, until its energy settles.
//
// Grid: x = B (or fewer: episodes are strided over x). Block: 128. One block keeps the assignments of one episode in
// shared memory, twice, and repeats z' = softmax(-a + lambda W z) with a barrier after each pass. Pass t adds up the
// energy E = entropy + unary - factor * lambda * pairwise of z_t; the episode stops when t > 2 and
// |E - E_prev| <= tolerance * |E_prev|, or at t = max_iterations. A launch does at most `passes` passes and leaves
// its state for the next one. N * K <= 1920. Twin of bound_loop.wgsl: same arguments in the same order.

#define LANES 128u
#define TINY 1e-20f
#define CELLS 1920u

// The sum of `own` over the block, the same value in every thread.
__device__ float total(float own, float* sums) {
    const unsigned int lane = threadIdx.x;
    __syncthreads();
    sums[lane] = own;
    __syncthreads();
    for (unsigned int half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            sums[lane] += sums[lane + half];
        }
        __syncthreads();
    }
    return sums[0];
}

extern "C" __global__ void bound_loop(
    const float* a,             // [B, N, K] costs
    float* z,                   // [B, N, K], read at the start, written at the end
    const int* row_ptr,         // [B, N + 1]
    const int* col,             // [B, E]
    const float* weight,        // [B, E]
    float* state,               // [B, 6] t, E_prev, stopped, entropy, unary, pairwise
    const unsigned int* sizes   // B, N, K, E, fixed, passes, max_iterations, bits of lambda, of tolerance, of factor
) {
    // Two copies of the assignments: the one read starts at `from`, the other is written.
    __shared__ float zs[2u * CELLS];
    __shared__ float sums[LANES];
    const unsigned int b_count = sizes[0], n = sizes[1], k = sizes[2], e_count = sizes[3], fixed_rows = sizes[4];
    const unsigned int passes = sizes[5], max_iterations = sizes[6];
    const float lambda = __uint_as_float(sizes[7]);
    const float tolerance = __uint_as_float(sizes[8]);
    const float factor = __uint_as_float(sizes[9]) * lambda;
    const unsigned int cells = n * k;
    const unsigned int lane = threadIdx.x;

    for (unsigned int b = blockIdx.x; b < b_count; b += gridDim.x) {
        // Every thread reads the same value here and nobody has written it yet: the branch is uniform.
        if (state[(size_t)b * 6u + 2u] > 0.5f) {
            continue;
        }
        const size_t base = (size_t)b * cells;
        for (unsigned int s = lane; s < cells; s += LANES) {
            zs[s] = z[base + s];
        }
        unsigned int t = (unsigned int)state[(size_t)b * 6u];
        float previous = state[(size_t)b * 6u + 1u];
        float entropy = 0.0f, unary = 0.0f, pairwise = 0.0f, stopped = 0.0f;
        unsigned int from = 0u;
        __syncthreads();

        for (unsigned int pass = 0; pass < passes; pass++) {
            const unsigned int to = CELLS - from;
            float own_entropy = 0.0f, own_unary = 0.0f, own_pairwise = 0.0f;
            for (unsigned int row = lane; row < n; row += LANES) {
                const unsigned int at = row * k;
                const size_t first = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row];
                const size_t end = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row + 1u];
                float top = -3.4028234e38f;
                for (unsigned int c = 0; c < k; c++) {
                    float pull = 0.0f;
                    for (size_t e = first; e < end; e++) {
                        pull = fmaf(weight[e], zs[from + (unsigned int)col[e] * k + c], pull);
                    }
                    const float zc = zs[from + at + c];
                    const float ac = a[base + at + c];
                    own_entropy += zc * logf(fmaxf(zc, TINY));
                    own_unary += zc * ac;
                    own_pairwise += zc * pull;
                    const float u = fmaf(lambda, pull, -ac);
                    top = fmaxf(top, u);
                    zs[to + at + c] = u;
                }
                if (row < fixed_rows) {
                    for (unsigned int c = 0; c < k; c++) {
                        zs[to + at + c] = zs[from + at + c];
                    }
                } else {
                    float sum = 0.0f;
                    for (unsigned int c = 0; c < k; c++) {
                        const float value = expf(zs[to + at + c] - top);
                        sum += value;
                        zs[to + at + c] = value;
                    }
                    const float scale = 1.0f / sum;
                    for (unsigned int c = 0; c < k; c++) {
                        zs[to + at + c] *= scale;
                    }
                }
            }
            // The sums also wait for every row of the pass.
            entropy = total(own_entropy, sums);
            unary = total(own_unary, sums);
            pairwise = total(own_pairwise, sums);
            const float energy = entropy + unary - factor * pairwise;
            const bool settled = t > 2u && fabsf(energy - previous) <= tolerance * fabsf(previous);
            previous = energy;
            if (settled || t >= max_iterations) {
                stopped = 1.0f;
                break;
            }
            t += 1u;
            from = to;
        }

        for (unsigned int s = lane; s < cells; s += LANES) {
            z[base + s] = zs[from + s];
        }
        if (lane == 0u) {
            float* out = state + (size_t)b * 6u;
            out[0] = (float)t;
            out[1] = previous;
            out[2] = stopped;
            out[3] = entropy;
            out[4] = unary;
            out[5] = pairwise;
        }
        __syncthreads();
    }
}
