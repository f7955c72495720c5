// Marks for code that nvcc also compiles for the GPU: functions, loops that must be unrolled
// (arrays in registers have no addresses), and functions that must not be inlined into them. Other
// compilers see nothing.
#pragma once

#if defined(__CUDACC__)
#define ZOO_DEVICE __host__ __device__
#define ZOO_UNROLL _Pragma("unroll")
#define ZOO_NOINLINE __noinline__
#else
#define ZOO_DEVICE
#define ZOO_UNROLL
#define ZOO_NOINLINE
#endif
