// What decoding needs from a model: scores of the next token, and a state of what was read.
//
// Every strategy (sampling, beams, drafts) is written against these types, every family of models
// supplies them.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>

namespace zoo {

/// What a model keeps of each row's tokens: a key-value cache, and where there is an encoder the
/// keys and values of its states. The family makes it, because only the family knows what a
/// generation starts from. Rows come and go while others go on: what a row's scores will be
/// depends on its own tokens alone.
class DecodeState {
 public:
  virtual ~DecodeState() = default;
  /// [B] int64 on the CPU: how many tokens each row has read.
  virtual torch::Tensor lengths() const = 0;
  /// Row b becomes a copy of old row rows[b]: several samples of one prompt, beams. Rows that are
  /// left out are gone. rows [B'] int64; B' may be 0.
  virtual void reorder(const torch::Tensor& rows) = 0;
  /// The rows of a state of the same decoder follow its own. Throws c10::Error for a state of
  /// another kind.
  virtual void append(std::unique_ptr<DecodeState> rows) = 0;
  /// False where tokens cannot be taken back (a recurrent state).
  virtual bool can_truncate() const = 0;
  /// Row b drops its tokens from lengths[b] on: rejected drafts. lengths [B] int64, none longer
  /// than now.
  virtual void truncate(const torch::Tensor& lengths) = 0;
};

/// How much of a step's result is wanted.
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

/// A model in evaluation mode. Safe from several threads, each with states of its own.
class NextToken {
 public:
  virtual ~NextToken() = default;
  /// Reads tokens [B, T] int64, of which row b brings the first counts[b] ([B] int64; 0 is
  /// allowed), after what the state has read. Both are on the CPU. What stands past a row's count
  /// is unspecified, in the result too.
  virtual Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
                      const StepWants& wants = {}) const = 0;
  virtual int64_t vocab_size() const = 0;
  /// The longest prompt that makes sense to the model; 0: no limit.
  virtual int64_t longest_prompt() const = 0;
  /// About how many bytes a row needs that reads `longest` tokens: its state, and the scores of a
  /// step with what rules and filters make of them.
  virtual double row_bytes([[maybe_unused]] int64_t longest) const {
    constexpr double kCopies = 8;
    return kCopies * static_cast<double>(sizeof(float)) * static_cast<double>(vocab_size());
  }
};

}  // namespace zoo
