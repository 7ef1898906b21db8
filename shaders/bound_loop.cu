// bound_loop: many bound updates of an episode in one launch, until its energy settles.
//
// Grid: x = B (or fewer: episodes are strided over x). Block: 128. One block keeps the assignments of one episode in
// shared memory, twice, and repeats z' = softmax(-a + lambda W z) with a barrier after each pass. Pass t knows the
// energy E = entropy + unary - factor * lambda * pairwise of z_t; the episode stops when t > 2 and
// |E - E_prev| <= tolerance * |E_prev|, or at t = max_iterations. A launch does at most `passes` passes and leaves
// its state for the next one. N * K <= 1920. Twin of bound_loop.wgsl: same arguments in the same order.
//
// The change of E is the sum of the changes of its rows: that keeps a tolerance of 1e-7 meaningful in f32, where two
// sums would differ by rounding alone. With u = -a + lambda W z and z' = softmax(u), a row's entropy + unary is
// lambda z'.(W z) - log sum exp u: one logarithm a row.

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
    float* state,               // [B, 6 + 2 N] t, E, stopped, entropy, unary, pairwise; entropy + unary of each row; E of each row
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
        const size_t base = (size_t)b * cells;
        float* const head = state + (size_t)b * (6u + 2u * n);
        float* const without_pairs = head + 6u;
        float* const row_energy = without_pairs + n;
        // Every thread reads the same value here and nobody has written it yet: the branch is uniform.
        if (head[2] > 0.5f) {
            continue;
        }
        for (unsigned int s = lane; s < cells; s += LANES) {
            zs[s] = z[base + s];
        }
        unsigned int t = (unsigned int)head[0];
        float energy = head[1];
        float pairwise = 0.0f, stopped = 0.0f;
        unsigned int from = 0u;
        __syncthreads();

        for (unsigned int turn = 0; turn < passes; turn++) {
            const unsigned int to = CELLS - from;
            float own_energy = 0.0f, own_change = 0.0f;
            pairwise = 0.0f;
            for (unsigned int row = lane; row < n; row += LANES) {
                const unsigned int at = row * k;
                const size_t first = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row];
                const size_t end = (size_t)b * e_count + row_ptr[(size_t)b * (n + 1u) + row + 1u];
                float top = -3.4028234e38f;
                float row_pairs = 0.0f;
                for (unsigned int c = 0; c < k; c++) {
                    float pull = 0.0f;
                    for (size_t e = first; e < end; e++) {
                        pull = fmaf(weight[e], zs[from + (unsigned int)col[e] * k + c], pull);
                    }
                    row_pairs = fmaf(zs[from + at + c], pull, row_pairs);
                    top = fmaxf(top, fmaf(lambda, pull, -a[base + at + c]));
                    // W z waits in the place of the result.
                    zs[to + at + c] = pull;
                }
                if (t == 0u && row < fixed_rows) {
                    // Rows that never move add a constant.
                    float constant = 0.0f;
                    for (unsigned int c = 0; c < k; c++) {
                        const float zc = zs[from + at + c];
                        constant += zc * (logf(fmaxf(zc, TINY)) + a[base + at + c]);
                    }
                    without_pairs[row] = constant;
                }
                const float e_row = without_pairs[row] - factor * row_pairs;
                own_energy += e_row;
                own_change += e_row - row_energy[row];
                row_energy[row] = e_row;
                pairwise += row_pairs;

                if (row < fixed_rows) {
                    for (unsigned int c = 0; c < k; c++) {
                        zs[to + at + c] = zs[from + at + c];
                    }
                } else {
                    float sum = 0.0f, pulled = 0.0f;
                    for (unsigned int c = 0; c < k; c++) {
                        const float pull = zs[to + at + c];
                        const float value = expf(fmaf(lambda, pull, -a[base + at + c]) - top);
                        sum += value;
                        pulled = fmaf(value, pull, pulled);
                        zs[to + at + c] = value;
                    }
                    const float scale = 1.0f / sum;
                    for (unsigned int c = 0; c < k; c++) {
                        zs[to + at + c] *= scale;
                    }
                    without_pairs[row] = fmaf(lambda, pulled * scale, -(top + logf(sum)));
                }
            }
            // The sums also wait for every row of the pass.
            energy = total(own_energy, sums);
            const float change = total(own_change, sums);
            const bool settled = t > 2u && fabsf(change) <= tolerance * fabsf(energy - change);
            if (settled || t >= max_iterations) {
                stopped = 1.0f;
                break;
            }
            t += 1u;
            from = to;
        }

        float own_unary = 0.0f;
        for (unsigned int s = lane; s < cells; s += LANES) {
            const float value = zs[from + s];
            z[base + s] = value;
            own_unary = fmaf(value, a[base + s], own_unary);
        }
        const float unary = total(own_unary, sums);
        const float pairs = total(pairwise, sums);
        if (lane == 0u) {
            head[0] = (float)t;
            head[1] = energy;
            head[2] = stopped;
            head[3] = energy + factor * pairs - unary;
            head[4] = unary;
            head[5] = pairs;
        }
        __syncthreads();
    }
}
