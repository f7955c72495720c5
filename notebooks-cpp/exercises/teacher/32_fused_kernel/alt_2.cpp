// Another way: every thread reads all numbers; each keeps its own largest score and sum.
#include "notebooks-cpp/exercises/32_fused_kernel/fused_kernel.h"

float combine_all(gpu::Block& block, gpu::Array scratch, float x, gpu::Combine combine) {
  scratch[block.thread()] = x;
  block.sync();
  float all = scratch[0];
  for (int64_t n = 1; n < block.threads(); ++n) all = combine(all, scratch[n]);
  block.sync();
  return all;
}

void attend_row(gpu::Block& block, const Head& head) {
  const int64_t row = block.index() * head.Dh;
  const int64_t end = head.causal ? std::min(head.S, block.index() + head.S - head.T + 1) : head.S;
  for (int64_t s = block.thread(); s < end; s += block.threads()) {
    float score = 0;
    for (int64_t i = 0; i < head.Dh; ++i)
      score += head.scale * head.q[row + i] * head.k[s * head.Dh + i];
    block.shared()[s] = score;
  }
  block.sync();
  float largest = gpu::kHidden, sum = 0;  // online, the same in every thread
  for (int64_t s = 0; s < end; ++s) {
    const float next = std::max(largest, static_cast<float>(block.shared()[s]));
    sum = sum * std::exp(largest - next) + std::exp(block.shared()[s] - next);
    largest = next;
  }
  for (int64_t i = block.thread(); i < head.Dh; i += block.threads()) {
    float y = 0;
    for (int64_t s = 0; s < end; ++s)
      y += std::exp(block.shared()[s] - largest) * head.v[s * head.Dh + i];
    head.y[row + i] = end > 0 ? y / sum : 0.0F;
  }
}
