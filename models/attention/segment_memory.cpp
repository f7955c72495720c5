#include "models/attention/segment_memory.h"

#include <c10/util/Exception.h>

#include <algorithm>

namespace zoo {

torch::Tensor segment_mask(const Segments& segments, const torch::Tensor& queries,
                           const torch::Tensor& keys) {
  const auto first = queries.div(segments.length, "floor") * segments.length - segments.memory;
  return keys.unsqueeze(1).ge(first.unsqueeze(-1)).unsqueeze(1);  // [B or 1, 1, T, S]
}

void SegmentMemory::append(const std::vector<torch::Tensor>& inputs) {
  TORCH_CHECK(layers.empty() || layers.size() == inputs.size(),
              "SegmentMemory: it is of a model with ", layers.size(), " layers, got ",
              inputs.size());
  std::vector<torch::Tensor> kept;
  for (size_t n = 0; n < inputs.size(); ++n) {
    auto all = inputs[n].detach();
    if (!layers.empty()) all = torch::cat({layers[n], all}, 1);
    const int64_t M = std::min(tokens, all.size(1));
    kept.push_back(all.narrow(1, all.size(1) - M, M).clone(torch::MemoryFormat::Contiguous));
  }
  layers = std::move(kept);
}

}  // namespace zoo
