// An encoder-decoder as a NextToken model: the source is encoded once, the target read token by
// token, with a key-value cache.
#pragma once
#include <cstdint>
#include <memory>

#include "infer/translation/source_decoder.h"
#include "models/transformer/transformer.h"

namespace zoo {

/// Attention to the source (StepWants::cross_attention) needs a kernel that forms the weights
/// ("matmul").
class TransformerDecoder final : public SourceDecoder {
 public:
  /// The model must be in evaluation mode.
  explicit TransformerDecoder(Transformer model);

  std::unique_ptr<DecodeState> start(const torch::Tensor& sources, const torch::Tensor& lengths,
                                     int64_t longest = 0) const override;

  Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
              const StepWants& wants = {}) const override;
  int64_t vocab_size() const override { return model_->options.vocab_size; }
  int64_t longest_prompt() const override { return model_->options.context; }
  double row_bytes(int64_t longest) const override;

 private:
  Transformer model_;
};

}  // namespace zoo
