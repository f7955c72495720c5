// Decoding computes one token at a time. For a small model, its matrix products take microseconds,
// less than the overhead of threads.
#pragma once
#include <torch/nn/module.h>

namespace zoo {

/// True for models on the CPU that one thread decodes faster than several.
bool decodes_on_one_thread(const torch::nn::Module& model);

/// While alive, torch computes on one thread if decodes_on_one_thread() is true for the model.
class DecodingThreads {
 public:
  explicit DecodingThreads(const torch::nn::Module& model);
  ~DecodingThreads();
  DecodingThreads(const DecodingThreads&) = delete;
  DecodingThreads& operator=(const DecodingThreads&) = delete;

 private:
  int before_;
};

}  // namespace zoo
