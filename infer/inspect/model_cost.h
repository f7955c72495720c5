// What one forward pass of a checkpoint costs, for every family but the decoders.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

struct ModelCost {
  std::string input;  ///< "a picture of 28 x 28 pixels"
  double forward_flops = 0;
};

/// Opens the model, so that its tensors are known to fit. length: tokens of a sequence (0: the
/// model's context). Nothing for a model_type of no such family. Throws std::runtime_error with one
/// line.
std::optional<ModelCost> model_cost(const std::filesystem::path& folder,
                                    std::string_view model_type, int64_t length);

}  // namespace zoo
