// The tensors that a file brings to a model, checked at the door: names, dtypes, shapes, values.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/layers/stack_options.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {

/// Every message begins with the file's path and names the input. All throw std::runtime_error.
class ModelInputs {
 public:
  /// Refuses a file with an input that is in neither list, or without one of the required.
  ModelInputs(const SafetensorsReader& file, const std::vector<std::string>& required,
              const std::vector<std::string>& optional);

  bool contains(const std::string& name) const { return file_.contains(name); }
  /// I32 or I64 of shape [B, T], neither empty, with values from 0 to limit - 1 (limit 0: any that
  /// is not negative) -> int64. `what` explains the limit: "the vocabulary of".
  torch::Tensor ids(const std::string& name, int64_t limit, const std::string& what) const;
  /// BOOL, I32 or I64 of zeros and ones of exactly this shape -> bool.
  torch::Tensor mask(const std::string& name, const std::vector<int64_t>& shape) const;
  /// Ids of which each stands beside one of `tokens` [B, T]: [B, T], or [1, T] for all rows.
  torch::Tensor ids_beside(const torch::Tensor& tokens, const std::string& name, int64_t limit,
                           const std::string& what) const;
  /// Tokens [B, T] within the vocabulary, and no more of them than the model's context (0: any
  /// number).
  torch::Tensor tokens(const std::string& name, int64_t vocab_size, int64_t context) const;
  /// A mask over tokens [B, S] as a stack's layers take it; nothing where there is none. Refuses
  /// one that hides tokens before others where the stack cannot pass over them: mixers, and
  /// `from_the_first`: layers that count the first tokens.
  AttendArgs hiding(const std::string& name, const torch::Tensor& tokens, torch::Device device,
                    const StackOptions& stack, bool from_the_first = false) const;
  /// Floating, [B, channels, H, W], none of them empty -> float32.
  torch::Tensor pixels(const std::string& name, int64_t channels) const;
  [[noreturn]] void refuse(const std::string& message) const;

 private:
  const SafetensorsReader& file_;
};

}  // namespace zoo
