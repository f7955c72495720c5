#include "models/pretrained/format/checkpoint_folder.h"

#include <torch/utils.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "models/attention/attend.h"

namespace zoo {

void check_claim(double parameters, const SafetensorsReader& reader) {
  const auto bytes = reader.bytes();  // a parameter has at least one
  if (parameters <= static_cast<double>(bytes)) return;
  throw std::runtime_error(
      fmt::format("{}: config.json describes at least {:.3g} parameters, more than the {} bytes of "
                  "weights hold",
                  reader.path().string(), parameters, bytes));
}

bool lacks_output_layer(bool class_has_head, bool tied, const SafetensorsReader& reader,
                        bool head_optional, const std::string& name) {
  if (class_has_head || tied || reader.contains(name)) return false;
  if (head_optional) return true;
  throw std::runtime_error(fmt::format(
      "{}: a checkpoint without an output layer (no tensor \"{}\"), which "
      "cannot predict tokens; save it in Python as the class with one (GPT2LMHeadModel, "
      "LlamaForCausalLM, MarianMTModel, ...)",
      reader.path().string(), name));
}

void write_checkpoint(const std::filesystem::path& folder, const nlohmann::json& config,
                      const torch::nn::Module& module, const NameMap& names) {
  write_file(folder / "config.json", config.dump(2) + "\n");
  write_safetensors(folder / "model.safetensors", export_named(module, names));
}

std::string settled_kernel(const std::string& asked, const std::string& trained_with,
                           torch::Device device) {
  if (!asked.empty()) return asked;
  const auto names = attention_kernel_names();
  if (std::ranges::find(names, trained_with) == names.end())
    return trained_with.starts_with("cuda-") || trained_with.starts_with("my_")
               ? "auto"
               : trained_with;  // others are no names at all
  const torch::NoGradGuard no_grad;
  const auto q = torch::empty({1, 1, 1, 1}, torch::device(device));
  const bool fits = attention_kernel(trained_with).refuses(q, q, q, {}).empty();
  return fits ? trained_with : "auto";
}

}  // namespace zoo
