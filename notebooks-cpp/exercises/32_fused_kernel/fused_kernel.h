#pragma once
#include "notebooks-cpp/exercises/32_fused_kernel/block.h"
#include "notebooks-cpp/exercises/grader/student.h"

/// One head of attention, row after row in memory: q and y [T, Dh], k and v [S, Dh].
struct Head {
  gpu::Array q, k, v, y;
  int64_t T, S, Dh;
  float scale;
  bool causal;  ///< query t sees keys up to t + S - T
};

float combine_all(gpu::Block& block, gpu::Array scratch, float x, gpu::Combine combine);
void attend_row(gpu::Block& block, const Head& head);
