// Exercise 33: find the bug. What to write: README.md beside this file. Grade it: scripts/grade.sh 33
#include "notebooks-cpp/exercises/33_find_the_bug/find_the_bug.h"

static bool differ(double a, double b) { return std::abs(a - b) > 1e-4; }

// attention to examine -> the fault's name and its number
Finding attention_fault(const Attention& attend) {
  // TODO 33.1 (4 marks)
  throw NotDone("33.1");
}

// loss to examine -> the fault's name and its number
Finding loss_fault(const Loss& loss) {
  // TODO 33.2 (3 marks)
  throw NotDone("33.2");
}

// training loop to examine -> the fault's name and its number
Finding training_fault(const Training& train) {
  // TODO 33.3 (3 marks)
  throw NotDone("33.3");
}
