// The interface between decoding and models: scores of the next token, and a state of the tokens
// read.
//
// Every strategy (sampling, beams, drafts) uses these types, and every family of models implements
// them.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>

namespace zoo {

/// A model's state for each row: a key-value cache and, with an encoder, the keys and values of its
/// states. The family makes it, because only the family knows what a generation starts from. Rows
/// join and leave; a row's scores depend only on its own tokens.
class DecodeState {
 public:
  virtual ~DecodeState() = default;
  /// [B] int64 on the CPU: the number of tokens that each row has read.
  virtual torch::Tensor lengths() const = 0;
  /// Row b becomes a copy of old row rows[b]: for several samples of one prompt, and for beams.
  /// Other rows are dropped. rows [B'] int64; B' may be 0.
  virtual void reorder(const torch::Tensor& rows) = 0;
  /// Appends the rows of a state of the same decoder. Throws c10::Error for a state of another
  /// kind.
  virtual void append(std::unique_ptr<DecodeState> rows) = 0;
  /// False if tokens cannot be dropped (a recurrent state).
  virtual bool can_truncate() const = 0;
  /// Row b drops its tokens from lengths[b] on: rejected drafts. lengths [B] int64, at most the
  /// current lengths.
  virtual void truncate(const torch::Tensor& lengths) = 0;
};

/// The requested results of a step.
struct StepWants {
  bool every_token = false;  ///< scores after each of the T tokens (verifying drafts), not after
                             ///< each row's last only
  bool hidden = false;       ///< also what the output layer reads (contrastive search)
  bool cross_attention = false;  ///< also the attention to the source (coverage of a translation)
};

struct Scores {
  torch::Tensor
      logits;  ///< [B, 1, V] after each row's last token; [B, T, V] where every token was wanted
  torch::Tensor hidden = {};           ///< [B, 1 or T, C], or undefined
  torch::Tensor cross_attention = {};  ///< [B, 1 or T, S] mean over the last layer's heads, exactly
                                       ///< 0 at positions that a row's source does not have;
                                       ///< undefined where it was not wanted or the model has none
};

/// A model in evaluation mode. Thread-safe, if each thread has its own states.
class NextToken {
 public:
  virtual ~NextToken() = default;
  /// Reads tokens [B, T] int64 after those already in the state; row b has counts[b] of them ([B]
  /// int64; 0 is allowed). Both are on the CPU. Tokens and results past a row's count are
  /// unspecified.
  virtual Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
                      const StepWants& wants = {}) const = 0;
  virtual int64_t vocab_size() const = 0;
  /// The maximum prompt length; 0: no limit.
  virtual int64_t longest_prompt() const = 0;
  /// An estimate of the bytes per row that reads `longest` tokens: its state, the scores of a step
  /// and their copies in processors and filters.
  virtual double row_bytes([[maybe_unused]] int64_t longest) const {
    constexpr double kCopies = 8;
    return kCopies * static_cast<double>(sizeof(float)) * static_cast<double>(vocab_size());
  }
};

}  // namespace zoo
