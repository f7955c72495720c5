// The recurrent baseline as a NextToken model. Its state cannot drop tokens: speculative decoding
// does not work with it.
#pragma once
#include <memory>

#include "infer/translation/source_decoder.h"
#include "models/transformer/recurrent.h"

namespace zoo {

class RecurrentDecoder final : public SourceDecoder {
 public:
  /// The model must be in evaluation mode.
  explicit RecurrentDecoder(Recurrent model);

  /// `longest` has no effect here: the state does not grow.
  std::unique_ptr<DecodeState> start(const torch::Tensor& sources, const torch::Tensor& lengths,
                                     int64_t longest = 0) const override;

  Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
              const StepWants& wants = {}) const override;
  int64_t vocab_size() const override { return model_->options.vocab_size; }
  int64_t longest_prompt() const override { return model_->options.context; }

 private:
  Recurrent model_;
};

}  // namespace zoo
