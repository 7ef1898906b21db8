// energy_terms: adds the partial energy terms that the blocks of bound_step left, per episode.
//
// Grid: x = B (or fewer: episodes are strided over x). Block: 64; it adds in a tree of 64.
// Twin of energy_terms.wgsl: same arguments in the same order.

#define LANES 64u

extern "C" __global__ void energy_terms(
    const float* terms,         // [B, parts, 3]
    float* energy,              // [B, 3]
    const unsigned int* sizes   // B, parts
) {
    __shared__ float sums[3][LANES];
    const unsigned int lane = threadIdx.x;
    const unsigned int count = sizes[1];
    for (unsigned int b = blockIdx.x; b < sizes[0]; b += gridDim.x) {
        float own[3] = {0.0f, 0.0f, 0.0f};
        for (unsigned int part = lane; part < count; part += LANES) {
            const size_t at = ((size_t)b * count + part) * 3u;
            own[0] += terms[at];
            own[1] += terms[at + 1u];
            own[2] += terms[at + 2u];
        }
        for (unsigned int t = 0; t < 3u; t++) {
            sums[t][lane] = own[t];
        }
        __syncthreads();
        for (unsigned int half = LANES / 2u; half > 0u; half /= 2u) {
            if (lane < half) {
                for (unsigned int t = 0; t < 3u; t++) {
                    sums[t][lane] += sums[t][lane + half];
                }
            }
            __syncthreads();
        }
        if (lane < 3u) {
            energy[(size_t)b * 3u + lane] = sums[lane][0];
        }
        __syncthreads();
    }
}
