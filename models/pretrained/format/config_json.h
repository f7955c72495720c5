// What reading and writing config.json has in common in all families: typed values, activation
// names, and the agreement of the reference's keys with ours.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "models/layers/feed_forward.h"
#include "models/pretrained/format/options_json.h"

namespace zoo {

template <class... Args>
[[noreturn]] void config_fail(fmt::format_string<Args...> text, Args&&... args) {
  throw std::runtime_error(fmt::format(text, std::forward<Args>(args)...));
}

/// The value of a key; `otherwise` where it is missing or null. A family's own keys are read
/// through config_keys.h.
template <class T>
T config_value(const nlohmann::json& config, const std::string& key, T otherwise) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? otherwise : json_value<T>(*found, key);
}

/// A number of things: at least 1, and small enough that products of two cannot overflow.
int64_t config_count(const nlohmann::json& config, const std::string& key, int64_t otherwise);

/// The family's member that "model_type" names. Throws std::runtime_error for another family.
template <NamedEnum Layout>
Layout read_model_type(const nlohmann::json& config) {
  const auto type = config.find("model_type");
  if (type == config.end()) config_fail("no \"model_type\": not a checkpoint's config.json");
  const auto name = json_value<std::string>(*type, "model_type");
  for (const auto& [layout, known] : EnumNames<Layout>::values) {
    if (name == known) return layout;
  }
  config_fail("a checkpoint of another family (model_type \"{}\"); this program reads {}",
              name.substr(0, 60), known_names<Layout>());
}

/// Which of the `known` classes architectures[0] names, as in the reference; nothing where there is
/// none. Throws std::runtime_error for a class that is not among them.
std::optional<size_t> read_architecture(const nlohmann::json& config,
                                        std::span<const std::string_view> known);

/// Whether architectures[0] names the first of the `known` classes, or none: of classes with and
/// without an output layer, the one with it.
bool names_first_class(const nlohmann::json& config, std::span<const std::string_view> known);

/// "gelu_new" for kGeluTanh. SwiGLU is no activation of the reference's.
std::string reference_activation(Activation activation);
/// The reverse; `key` is named where the zoo has no such activation.
Activation activation_of(const std::string& name, std::string_view key);

/// Throws std::runtime_error where `given` has another value than `expected` for one of its keys:
/// somebody edited "zoo" and not the reference's keys, and the model would not be what Python makes
/// of it.
void check_agreement(const nlohmann::json& given, const nlohmann::json& expected);

/// Throws std::runtime_error for a size under "zoo" that is negative, or so large that products of
/// two overflow. A size whose default is negative, which stands for none, may be as negative.
template <class Options>
void check_size_range(Options& options) {
  std::map<std::string, int64_t> lowest;
  const auto each_size = [](Options& of, const auto& look) {
    visit(of, [&](std::string_view name, const auto& field, std::string_view) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, int64_t>)
        look(std::string(name), field);
    });
  };
  Options defaults;
  each_size(defaults, [&](const std::string& name, int64_t size) {
    lowest[name] = std::min<int64_t>(size, 0);
  });
  each_size(options, [&](const std::string& name, int64_t size) {
    if (size < lowest[name] || size > INT32_MAX)
      config_fail("\"zoo\": \"{}\" is out of range: {}", name, size);
  });
}

/// Takes over the options under "zoo" and says whether there are any. Throws std::runtime_error for
/// one that is unknown or out of range, and where there are none but the layout, one of our own,
/// `needs` them.
template <class Options>
bool read_zoo_options(const nlohmann::json& config, Options& options, bool needs) {
  const auto zoo = config.find("zoo");
  if (zoo == config.end()) {
    if (needs) {
      config_fail("model_type {} needs the options under \"zoo\"",
                  config_value<std::string>(config, "model_type", ""));
    }
    return false;
  }
  options_from_json(*zoo, options);
  check_size_range(options);
  return true;
}

/// The keys that every class has: its model_type and name, and the type of the weights.
inline void put_class(nlohmann::json& config, std::string_view model_type,
                      std::string_view architecture, const std::string& dtype) {
  config["model_type"] = model_type;
  config["architectures"] = {architecture};
  config["dtype"] = dtype;
}

/// Parses config.json of a folder and hands it to `read`, whose messages then begin with the path.
void read_config(const std::filesystem::path& folder,
                 const std::function<void(const nlohmann::json&)>& read);

/// "a, b and c", collected while conditions are checked.
class Demands {
 public:
  void expect(bool holds, std::string_view demand);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// "float32", as config.json's dtype. Throws std::invalid_argument for types that none has.
std::string config_dtype(c10::ScalarType dtype);

}  // namespace zoo
