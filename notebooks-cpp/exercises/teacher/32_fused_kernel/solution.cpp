// Exercise 32: a fused kernel. What to write: README.md beside this file. Grade it: scripts/grade.sh 32
#include "notebooks-cpp/exercises/32_fused_kernel/fused_kernel.h"

// x of each thread -> all of them combined, for each thread; scratch: shared, a number per thread
float combine_all(gpu::Block& block, gpu::Array scratch, float x, gpu::Combine combine) {
  // BEGIN SOLUTION 32.1 (4)
  scratch[block.thread()] = x;
  block.sync();
  // Pairs at distance `half`, then at half of that: 5 numbers become 3, 2, 1.
  for (int64_t count = block.threads(); count > 1;) {
    const int64_t half = (count + 1) / 2;
    if (block.thread() + half < count)
      scratch[block.thread()] = combine(scratch[block.thread()], scratch[block.thread() + half]);
    count = half;
    block.sync();
  }
  const float all = scratch[0];
  block.sync();  // all have read it before the next call writes
  return all;
  // END SOLUTION
}

// row block.index() of y: softmax(scale * q k^T) v; shared: S + block.threads() numbers
void attend_row(gpu::Block& block, const Head& head) {
  // BEGIN SOLUTION 32.2 (6)
  const int64_t t = block.index(), first = block.thread(), step = block.threads();
  const int64_t seen =
      head.causal ? std::clamp(t + 1 + head.S - head.T, int64_t{0}, head.S) : head.S;
  const auto weights = block.shared(), scratch = weights + head.S;
  float largest = gpu::kHidden, sum = 0;
  for (int64_t s = first; s < seen; s += step) {  // keys, one per thread
    float score = 0;
    for (int64_t i = 0; i < head.Dh; ++i)
      score += head.q[t * head.Dh + i] * head.k[s * head.Dh + i];
    weights[s] = score * head.scale;
    largest = gpu::larger_of(largest, weights[s]);
  }
  largest = combine_all(block, scratch, largest, gpu::larger_of);
  for (int64_t s = first; s < seen; s += step) {
    weights[s] = std::exp(weights[s] - largest);
    sum += weights[s];
  }
  sum = combine_all(block, scratch, sum, gpu::sum_of);  // its barriers also publish the weights
  for (int64_t i = first; i < head.Dh; i += step) {     // numbers of the output, one per thread
    float y = 0;
    for (int64_t s = 0; s < seen; ++s) y += weights[s] * head.v[s * head.Dh + i];
    head.y[t * head.Dh + i] = seen == 0 ? 0 : y / sum;
  }
  // END SOLUTION
}
