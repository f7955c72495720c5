// When one thread decodes faster than several.
#include "infer/generation/decoding_threads.h"

#include <ATen/Parallel.h>

namespace zoo {

bool decodes_on_one_thread(const torch::nn::Module& model) {
  constexpr int64_t kWeights = 10'000'000;
  int64_t weights = 0;
  for (const auto& parameter : model.parameters()) {
    if (!parameter.device().is_cpu()) return false;
    weights += parameter.numel();
  }
  return weights < kWeights;
}

DecodingThreads::DecodingThreads(const torch::nn::Module& model) : before_(at::get_num_threads()) {
  if (decodes_on_one_thread(model)) at::set_num_threads(1);
}

DecodingThreads::~DecodingThreads() { at::set_num_threads(before_); }

}  // namespace zoo
