// The tensors that a file brings to a model, checked at the door: names, dtypes, shapes, values.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/pretrained/safetensors.h"

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
  [[noreturn]] void refuse(const std::string& message) const;

 private:
  const SafetensorsReader& file_;
};

}  // namespace zoo
