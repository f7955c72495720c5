// GPT as a NextToken model, with or without a key-value cache.
//
// Text longer than the context: a row's window is the part of its tokens that the model reads. It
// starts at the first token. Each time it has filled the context, its older half is dropped and the
// rest is read again from position 0. So the window depends only on the row's length, and a row
// gives the same scores in any batch, read at once or token by token, with or without the cache.
//
// Where every layer sees a window (and sinks) and positions are relative, the text streams on
// instead: no distance grows, and neither does the cache. So it does with a segment memory.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "infer/decode/step.h"
#include "models/gpt/gpt.h"

namespace zoo {

/// Whether a model reads texts of any length in bounded memory.
bool streams(const GptOptions& options);

/// Of a prefix language model, a row's prompt is what its first step brings.
class GptDecoder final : public NextToken {
 public:
  /// The model must be in evaluation mode. Without the cache every step reads the whole window
  /// again: slow, but the reference for the cache.
  explicit GptDecoder(Gpt model, bool use_cache = true);

  /// A state without tokens. `longest`: the maximum number of tokens that a row will read, which
  /// bounds the cache's memory; 0: unknown.
  std::unique_ptr<DecodeState> start(int64_t batch, int64_t longest = 0) const;

  /// A step that throws leaves the state as it was.
  Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
              const StepWants& wants = {}) const override;
  int64_t vocab_size() const override { return model_->options.vocab_size; }
  int64_t longest_prompt() const override { return streams_ ? 0 : model_->options.context; }
  double row_bytes(int64_t longest) const override;

 private:
  Scores read(class GptState& rows, const torch::Tensor& tokens, const std::vector<int64_t>& counts,
              const StepWants& wants) const;
  /// For windows that move within these tokens: each token sees the window of its own time.
  Scores read_one_by_one(class GptState& rows, const torch::Tensor& tokens,
                         const torch::Tensor& counts, const StepWants& wants) const;

  Gpt model_;
  bool use_cache_, streams_;
};

}  // namespace zoo
