// One pass of a checkpoint over named tensors, with names and values as in Hugging Face's
// `transformers`: so any model of the zoo is compared with the reference.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "models/gpt/length_options.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {

struct ForwardRequest {
  std::filesystem::path model;  ///< checkpoint folder
  bool hidden_states = false;   ///< also "hidden_states.N"
  bool attentions = false;      ///< also "attentions.N"
  std::string attention;        ///< kernel; empty: "matmul" for attentions, else "torch"
  torch::Device device = torch::kCPU;
  LengthOptions lengths = {};  ///< only of a family that takes_lengths

  /// Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
  std::string kernel() const {
    return !attention.empty() ? attention : attentions ? "matmul" : "torch";
  }
};

/// Output names of the reference's ModelOutput.
using ForwardOutputs = std::map<std::string, torch::Tensor>;

}  // namespace zoo
