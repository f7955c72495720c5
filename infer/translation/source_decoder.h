// A decoder that reads a source before it decodes: the interface of all encoder-decoders for
// strategies and tasks.
#pragma once
#include <memory>

#include "infer/decode/step.h"

namespace zoo {

class SourceDecoder : public NextToken {
 public:
  /// Reads the sources [B, S] int64 with lengths [B], but no target yet. `longest`: the maximum
  /// number of target tokens that a row will read, the start token included; 0: the model's limit,
  /// where it has one.
  virtual std::unique_ptr<DecodeState> start(const torch::Tensor& sources,
                                             const torch::Tensor& lengths,
                                             int64_t longest = 0) const = 0;
};

}  // namespace zoo
