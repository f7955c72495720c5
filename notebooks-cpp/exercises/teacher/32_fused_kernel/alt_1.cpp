// Another way: one thread adds up; scores of hidden keys are stored as minus infinity.
#include "notebooks-cpp/exercises/32_fused_kernel/fused_kernel.h"

float combine_all(gpu::Block& block, gpu::Array scratch, float x, gpu::Combine combine) {
  block.sync();
  scratch[block.thread()] = x;
  block.sync();
  if (block.thread() == 0)
    for (int64_t n = 1; n < block.threads(); ++n) scratch[0] = combine(scratch[0], scratch[n]);
  block.sync();
  return scratch[0];
}

void attend_row(gpu::Block& block, const Head& head) {
  const int64_t t = block.index(), n = block.threads();
  const auto scores = block.shared();
  float largest = gpu::kHidden;
  const int64_t rounds = (head.S + n - 1) / n;
  for (int64_t round = 0; round < rounds; ++round) {
    const int64_t s = round * n + block.thread();
    if (s >= head.S) continue;
    float score = 0;
    for (int64_t i = 0; i < head.Dh; ++i)
      score += head.q[t * head.Dh + i] * head.k[s * head.Dh + i];
    scores[s] = head.causal && s > t + head.S - head.T ? gpu::kHidden : head.scale * score;
    largest = std::max(largest, static_cast<float>(scores[s]));
  }
  largest = combine_all(block, scores + head.S, largest, gpu::larger_of);
  float sum = 0;
  for (int64_t s = block.thread(); s < head.S; s += n)
    if (scores[s] != gpu::kHidden) sum += std::exp(scores[s] - largest);
  sum = combine_all(block, scores + head.S, sum, gpu::sum_of);
  for (int64_t i = block.thread(); i < head.Dh; i += n) {
    double y = 0;
    for (int64_t s = 0; s < head.S; ++s)
      if (scores[s] != gpu::kHidden)
        y += std::exp(scores[s] - largest) / sum * head.v[s * head.Dh + i];
    head.y[t * head.Dh + i] = static_cast<float>(y);
  }
}
