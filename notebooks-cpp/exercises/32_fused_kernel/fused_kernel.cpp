// Exercise 32: a fused kernel. What to write: README.md beside this file. Grade it: scripts/grade.sh 32
#include "notebooks-cpp/exercises/32_fused_kernel/fused_kernel.h"

// x of each thread -> all of them combined, for each thread; scratch: shared, a number per thread
float combine_all(gpu::Block& block, gpu::Array scratch, float x, gpu::Combine combine) {
  // TODO 32.1 (4 marks)
  throw NotDone("32.1");
}

// row block.index() of y: softmax(scale * q k^T) v; shared: S + block.threads() numbers
void attend_row(gpu::Block& block, const Head& head) {
  // TODO 32.2 (6 marks)
  throw NotDone("32.2");
}
