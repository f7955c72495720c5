// The keys and values that all families have in config.json.
#include "models/pretrained/format/config_json.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "base/files.h"

namespace zoo {

using nlohmann::json;

int64_t config_count(const json& config, const std::string& key, int64_t otherwise) {
  const auto value = config_value<int64_t>(config, key, otherwise);
  if (value < 1 || value > INT32_MAX) config_fail("\"{}\" must be positive, got {}", key, value);
  return value;
}

namespace {

/// "a, b and c"
std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

std::optional<size_t> read_architecture(const json& config,
                                        std::span<const std::string_view> known) {
  const auto found = config.find("architectures");
  if (found == config.end() || found->is_null() || found->empty()) return std::nullopt;
  if (!found->is_array()) config_fail("\"architectures\" must be a list");
  const auto name = json_value<std::string>((*found)[0], "architectures");
  const auto place = std::find(known.begin(), known.end(), name);
  if (place != known.end()) return static_cast<size_t>(place - known.begin());
  config_fail("architecture \"{}\" is not supported; of model_type {} the zoo has {}",
              name.substr(0, 60), config_value<std::string>(config, "model_type", "").substr(0, 60),
              listed(known));
}

bool names_first_class(const json& config, std::span<const std::string_view> known) {
  return read_architecture(config, known).value_or(0) == 0;
}

std::string reference_activation(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return "relu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu_new";
    case Activation::kQuickGelu:
      return "quick_gelu";
    case Activation::kSilu:
      return "silu";
    case Activation::kSwiglu:
    case Activation::kGeglu:
    case Activation::kGegluTanh:
    case Activation::kReglu:
      break;
  }
  throw std::invalid_argument("no config.json has this activation");
}

Activation activation_of(const std::string& name, std::string_view key) {
  if (name == "relu") return Activation::kRelu;
  if (name == "gelu" || name == "gelu_python") return Activation::kGelu;
  for (const char* tanh : {"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"})
    if (name == tanh) return Activation::kGeluTanh;
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "silu" || name == "swish") return Activation::kSilu;
  config_fail(
      "{} \"{}\" is not supported; known are gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, "
      "gelu_accurate, gelu_python, quick_gelu, relu, silu, swish",
      key, name.substr(0, 60));
}

void check_agreement(const json& given, const json& expected) {
  for (const auto& [key, ours] : expected.items()) {
    const auto found = given.find(key);
    if (found == given.end() || found->is_null() || *found == ours) continue;
    config_fail("\"{}\" is {}, but \"zoo\" makes it {}: change both, or remove \"zoo\"", key,
                json_text(*found), ours.dump());
  }
}

void read_config(const std::filesystem::path& folder,
                 const std::function<void(const json&)>& read) {
  const auto path = folder / "config.json";
  const auto config = json::parse(read_file(path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) config_fail("{}: not JSON", path.string());
  try {
    if (!config.is_object()) config_fail("not a JSON object");
    read(config);
  } catch (const c10::Error& error) {  // sizes that contradict each other
    config_fail("{}: {}", path.string(), error.what_without_backtrace());
  } catch (const std::exception& error) {
    config_fail("{}: {}", path.string(), error.what());
  }
}

void Demands::expect(bool holds, std::string_view demand) {
  if (holds) return;
  text_ += text_.empty() ? "" : ", ";
  text_ += demand;
}

std::string config_dtype(c10::ScalarType dtype) {
  if (dtype == c10::kFloat) return "float32";
  if (dtype == c10::kBFloat16) return "bfloat16";
  if (dtype == c10::kHalf) return "float16";
  if (dtype == c10::kDouble) return "float64";
  throw std::invalid_argument(fmt::format("no config.json has dtype {}", c10::toString(dtype)));
}

}  // namespace zoo
