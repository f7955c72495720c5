// The instruction sets that the SIMD kernels are compiled for. Include before Highway.
#pragma once

// Two sets less to compile: SSSE3 is SSE4's little sister, and of AVX3_DL nothing is used that AVX3
// lacks. Vectors whose length is known at run time only (SVE, RVV) cannot lie in arrays: such
// machines take the set below.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
