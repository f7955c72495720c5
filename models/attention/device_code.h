// Functions that nvcc compiles for the GPU as well; loops that it must unroll (arrays in registers
// have no addresses), and what it must not copy into each of their rounds. Elsewhere the marks mean
// nothing.
#pragma once

#if defined(__CUDACC__)
#define ZOO_DEVICE __host__ __device__
#define ZOO_UNROLL _Pragma("unroll")
#define ZOO_APART __noinline__
#else
#define ZOO_DEVICE
#define ZOO_UNROLL
#define ZOO_APART
#endif
