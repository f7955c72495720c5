// What reading and writing config.json has in common in all families: typed values, activation
// names, and the agreement of the reference's keys with ours.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "models/layers/feed_forward.h"
#include "models/pretrained/options_json.h"

namespace zoo {

template <class... Args>
[[noreturn]] void config_fail(fmt::format_string<Args...> text, Args&&... args) {
  throw std::runtime_error(fmt::format(text, std::forward<Args>(args)...));
}

/// The value of a key; `otherwise` where it is missing or null, as in the reference.
template <class T>
T config_value(const nlohmann::json& config, const std::string& key, T otherwise) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? otherwise : json_value<T>(*found, key);
}

/// A number of things: at least 1, and small enough that products of two cannot overflow.
int64_t config_count(const nlohmann::json& config, const std::string& key, int64_t otherwise);

/// Throws std::runtime_error unless the key is missing or has this value: features that the zoo
/// lacks.
void require_value(const nlohmann::json& config, const std::string& key, bool value);

/// "gelu_new" for kGeluTanh. SwiGLU is no activation of the reference's.
std::string reference_activation(Activation activation);
/// The reverse; `key` is named where the zoo has no such activation.
Activation activation_of(const std::string& name, std::string_view key);

/// Throws std::runtime_error where `given` has another value than `expected` for one of its keys:
/// somebody edited "zoo" and not the reference's keys, and the model would not be what Python makes
/// of it.
void check_agreement(const nlohmann::json& given, const nlohmann::json& expected);

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
