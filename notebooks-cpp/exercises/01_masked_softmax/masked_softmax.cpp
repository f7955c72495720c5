// Exercise 01: softmax with a mask. What to write: README.md beside this file. Grade it: scripts/grade.sh 01
#include "notebooks-cpp/exercises/01_masked_softmax/masked_softmax.h"

// scores [..., S] -> weights [..., S]
torch::Tensor softmax(const torch::Tensor& scores) {
  // TODO 01.1 (4 marks)
  throw NotDone("01.1");
}

// scores [..., S], may_see bool, broadcasts to scores -> weights [..., S]
torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& may_see) {
  // TODO 01.2 (6 marks)
  throw NotDone("01.2");
}
