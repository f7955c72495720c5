// A short fingerprint of the training data: a run resumes only on the data that it began with.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "models/batching/token_sequences.h"
#include "train/data/window_source.h"

namespace zoo {

/// A checksum of everything that is added, in this order.
class DataFingerprint {
 public:
  DataFingerprint& add(std::string_view bytes);
  template <class Number>
  DataFingerprint& add(std::span<const Number> numbers) {
    return add(
        std::string_view(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()));
  }
  /// On the CPU, of any shape.
  DataFingerprint& add(const torch::Tensor& tensor);
  DataFingerprint& add(const TokenSequences& sequences);
  /// For a long text: its size and evenly spaced samples.
  DataFingerprint& add(const TokenRange& range);
  /// "e3069283-4096": checksum and bytes.
  std::string text() const;

 private:
  uint32_t checksum_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace zoo
