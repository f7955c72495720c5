// Every way in which an input can be wrong, and the sentence for it.
#include "models/pretrained/registry/model_inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {

ModelInputs::ModelInputs(const SafetensorsReader& file, const std::vector<std::string>& required,
                         const std::vector<std::string>& optional)
    : file_(file) {
  auto known = required;
  known.insert(known.end(), optional.begin(), optional.end());
  for (const auto& name : file.names()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      refuse(fmt::format("unknown input {}; this model takes {}", in_quotes(name),
                         fmt::join(known, ", ")));
    }
  }
  for (const auto& name : required) {
    if (!file.contains(name)) {
      refuse(fmt::format("no input \"{}\"; this model takes {}", name, fmt::join(known, ", ")));
    }
  }
}

torch::Tensor ModelInputs::ids(const std::string& name, int64_t limit,
                               const std::string& what) const {
  const auto& entry = file_.entry(name);
  if (entry.dtype != torch::kInt32 && entry.dtype != torch::kInt64) {
    refuse(fmt::format("{} must be I32 or I64, got {}", name, safetensors_dtype_name(entry.dtype)));
  }
  if (entry.shape.size() != 2) {
    refuse(fmt::format("{} must be [batch, length], got shape {}", name, shape_text(entry.shape)));
  }
  const auto ids = file_.tensor(name).to(torch::kInt64);  // [B, T]
  if (ids.numel() == 0) refuse(fmt::format("{} is empty: {}", name, shape_text(entry.shape)));
  const auto lowest = ids.min().item<int64_t>(), highest = ids.max().item<int64_t>();
  if (lowest < 0) refuse(fmt::format("{} holds {}, which is negative", name, lowest));
  if (limit > 0 && highest >= limit) {
    refuse(
        fmt::format("{} holds {}, outside {} {} (0 to {})", name, highest, what, limit, limit - 1));
  }
  return ids;
}

torch::Tensor ModelInputs::mask(const std::string& name, const std::vector<int64_t>& shape) const {
  const auto& entry = file_.entry(name);
  if (entry.dtype != torch::kBool && entry.dtype != torch::kInt32 && entry.dtype != torch::kInt64) {
    refuse(fmt::format("{} must be BOOL, I32 or I64, got {}", name,
                       safetensors_dtype_name(entry.dtype)));
  }
  if (entry.shape != shape) {
    refuse(fmt::format("{} has shape {}, but must have {}", name, shape_text(entry.shape),
                       shape_text(shape)));
  }
  const auto values = file_.tensor(name).to(torch::kInt64);
  if (values.lt(0).logical_or(values.gt(1)).any().item<bool>()) {
    refuse(fmt::format("{} must hold zeros and ones only", name));
  }
  return values.to(torch::kBool);
}

torch::Tensor ModelInputs::ids_beside(const torch::Tensor& tokens, const std::string& name,
                                      int64_t limit, const std::string& what) const {
  const auto values = ids(name, limit, what);
  const bool fits =
      values.size(1) == tokens.size(1) && (values.size(0) == tokens.size(0) || values.size(0) == 1);
  if (!fits) {
    refuse(fmt::format("{} has shape {}, but input_ids {}", name, shape_text(values.sizes().vec()),
                       shape_text(tokens.sizes().vec())));
  }
  return values;
}

torch::Tensor ModelInputs::tokens(const std::string& name, int64_t vocab_size,
                                  int64_t context) const {
  const auto read = ids(name, vocab_size, "the vocabulary of");  // [B, T]
  if (context > 0 && read.size(1) > context) {
    refuse(fmt::format("{} has {} tokens a row, but the model's context is {}", name, read.size(1),
                       context));
  }
  return read;
}

AttendArgs ModelInputs::hiding(const std::string& name, const torch::Tensor& tokens,
                               torch::Device device, const StackOptions& stack,
                               bool from_the_first) const {
  if (!contains(name)) return {};
  const auto seen = mask(name, tokens.sizes().vec());  // [B, S]
  const bool counts = from_the_first || counts_first_tokens(stack);
  if (counts || has_mixers(stack)) {
    const auto before = seen.cummin(1);  // a token and all before it
    if (!std::get<0>(before).eq(seen).all().item<bool>()) {
      refuse(fmt::format("{} must be ones and then zeros: {}", name,
                         counts ? "layers of this model see the first tokens, or blocks of tokens "
                                  "counted from the first"
                                : "a mixer cannot pass over tokens"));
    }
  }
  if (has_mixers(stack)) return {.key_lengths = seen.sum(1).to(device)};
  return {.may_attend = seen.unsqueeze(1).unsqueeze(1).to(device)};  // [B, 1, 1, S]
}

torch::Tensor ModelInputs::pixels(const std::string& name, int64_t channels) const {
  const auto& entry = file_.entry(name);
  if (!torch::isFloatingType(entry.dtype)) {
    refuse(fmt::format("{} must be floating, got {}", name, safetensors_dtype_name(entry.dtype)));
  }
  if (entry.shape.size() != 4 || entry.shape[1] != channels) {
    refuse(fmt::format("{} must be [batch, {}, height, width], got shape {}", name, channels,
                       shape_text(entry.shape)));
  }
  const auto pixels = file_.tensor(name).to(torch::kFloat);
  if (pixels.numel() == 0) refuse(fmt::format("{} is empty: {}", name, shape_text(entry.shape)));
  return pixels;
}

void ModelInputs::refuse(const std::string& message) const {
  throw std::runtime_error(fmt::format("{}: {}", file_.path().string(), message));
}

}  // namespace zoo
