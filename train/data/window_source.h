// Windows of a token stream: random ones for training, consecutive ones for evaluation.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "train/data/token_stream.h"

namespace zoo {

/// Part of a stream: ids begin .. end - 1.
struct TokenRange {
  std::shared_ptr<const TokenStream> stream;
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

/// inputs[t] predicts targets[t], the token after it.
struct TextBatch {
  torch::Tensor inputs;   // [B, T] int64
  torch::Tensor targets;  // [B, T] int64
};

/// `count` windows of `length` inputs each, at `starts` [count], relative to the beginning of the
/// range.
TextBatch read_windows(const TokenRange& range, const torch::Tensor& starts, int64_t length);

/// Windows at random positions, drawn as torch.randint(size - length, (batch,)) from its own
/// generator: the same seed gives the same batches in Python.
class RandomWindows {
 public:
  /// Throws std::runtime_error if the range is too short for one window.
  RandomWindows(TokenRange range, int64_t batch, int64_t length, uint64_t seed);
  TextBatch next();
  const TokenRange& range() const { return range_; }
  std::string state() const;             ///< the generator's, as hexadecimal digits
  void restore(std::string_view state);  ///< throws std::runtime_error for anything else

 private:
  TokenRange range_;
  int64_t batch_, length_;
  torch::Generator generator_;
};

/// The whole range in windows that do not overlap; the last one may be shorter. Every token but the
/// first is a target once.
class ConsecutiveWindows {
 public:
  ConsecutiveWindows(TokenRange range, int64_t batch, int64_t length);
  int64_t batches() const;
  /// The last batch may hold fewer windows; a remainder shorter than a window is a separate batch.
  TextBatch at(int64_t index) const;

 private:
  int64_t whole_windows() const { return (range_.size() - 1) / length_; }
  TokenRange range_;
  int64_t batch_, length_;
};

}  // namespace zoo
