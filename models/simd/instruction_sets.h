// The instruction sets that the SIMD kernels are compiled for. Include before Highway.
#pragma once

// Two sets are left out to compile less: SSSE3 is close to SSE4, and nothing of AVX3_DL is used
// beyond AVX3. SVE and RVV have vectors whose length is known only at run time; they cannot be
// stored in arrays, so such machines use the next lower set.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
