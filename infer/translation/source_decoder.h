// A decoder that reads a source before it decodes: what the strategies and the tasks need of any
// encoder-decoder.
#pragma once
#include <memory>

#include "infer/decode/step.h"

namespace zoo {

class SourceDecoder : public NextToken {
 public:
  /// Reads the sources [B, S] int64 with lengths [B]; nothing of a target yet. `longest`: the most
  /// target tokens that a row will read, the start token included; 0: as the model can.
  virtual std::unique_ptr<DecodeState> start(const torch::Tensor& sources,
                                             const torch::Tensor& lengths,
                                             int64_t longest = 0) const = 0;
};

}  // namespace zoo
