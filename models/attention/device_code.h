// Functions that nvcc compiles for the GPU as well. Elsewhere the mark means nothing.
#pragma once

#if defined(__CUDACC__)
#define ZOO_DEVICE __host__ __device__
#else
#define ZOO_DEVICE
#endif
