// A key is the option's name with underscores; the few that hold lists of lists are read by name.
#include "infer/generation/generation_settings.h"

#include <algorithm>
#include <type_traits>

#include "base/option_values.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace {

using nlohmann::json;

template <class T>
void read_setting(const json& value, const std::string& key, T& field) {
  if constexpr (is_optional<T>) {
    field = json_value<typename T::value_type>(value, key);
  } else if constexpr (is_vector<T>) {
    field.clear();
    if (!value.is_array()) return field.push_back(json_value<typename T::value_type>(value, key));
    for (const json& element : value)
      field.push_back(json_value<typename T::value_type>(element, key));
  } else if constexpr (NamedEnum<T>) {  // early_stopping: true, false or "never"
    const bool truth = value.is_boolean();
    const auto name = truth ? value.dump() : json_value<std::string>(value, key);
    try {
      field = parse_enum<T>(name);
    } catch (const std::invalid_argument& error) {
      config_fail("\"{}\": {}", key, error.what());
    }
  } else {
    field = json_value<T>(value, key);
  }
}

/// A visitor of options.
struct Taking {
  const json& settings;
  const std::set<std::string>& given;
  std::vector<std::string>& taken;

  template <class T>
  void operator()(std::string_view name, T& field, std::string_view) const {
    std::string key(name);
    std::ranges::replace(key, '-', '_');
    const auto found = settings.find(key);
    if (found == settings.end() || given.contains(std::string(name))) return;
    read_setting(*found, key, field);
    taken.push_back(key);
  }
};

std::vector<int64_t> ids_of(const json& list, const char* key) {
  std::vector<int64_t> ids;
  if (!list.is_array()) config_fail("\"{}\" must hold lists of ids, got {}", key, json_text(list));
  for (const json& id : list) ids.push_back(json_value<int64_t>(id, key));
  return ids;
}

void read_bad_words(const json& lists, ProcessorOptions& o) {
  if (!lists.is_array()) config_fail("\"bad_words_ids\" must be a list, got {}", json_text(lists));
  for (const json& list : lists) o.bad_words.push_back(ids_of(list, "bad_words_ids"));
}

/// [[ids, bias], ...], as the reference writes it.
void read_sequence_bias(const json& pairs, ProcessorOptions& o) {
  for (const json& pair : pairs) {
    if (!pairs.is_array() || !pair.is_array() || pair.size() != 2)
      config_fail("\"sequence_bias\" must be a list of pairs, ids and a number");
    o.sequence_bias.push_back({.tokens = ids_of(pair[0], "sequence_bias"),
                               .bias = json_value<double>(pair[1], "sequence_bias")});
  }
}

void read_decay(const json& pair, ProcessorOptions& o) {
  const char* const key = "exponential_decay_length_penalty";
  if (!pair.is_array() || pair.size() != 2) config_fail("\"{}\" must be a start and a factor", key);
  o.exponential_decay = {.start = json_value<int64_t>(pair[0], key),
                         .factor = json_value<double>(pair[1], key)};
}

}  // namespace

std::vector<std::string> take_settings(const json& settings, const std::set<std::string>& given,
                                       DecodeOptions& options) {
  std::vector<std::string> taken;
  const Taking taking{settings, given, taken};
  visit(options, taking);
  visit(options.sampling, taking);
  visit(options.processors, taking);
  visit(options.beams, taking);
  const auto by_name = [&](const char* key, const char* flag, auto read) {
    const auto found = settings.find(key);
    if (found == settings.end() || given.contains(flag)) return;
    read(*found, options.processors);
    taken.emplace_back(key);
  };
  by_name("bad_words_ids", "bad-words", read_bad_words);
  by_name("sequence_bias", "", read_sequence_bias);
  by_name("exponential_decay_length_penalty", "", read_decay);
  return taken;
}

std::vector<std::string> strings_of(const json& settings, const std::string& key) {
  std::vector<std::string> strings;
  if (const auto found = settings.find(key); found != settings.end())
    read_setting(*found, key, strings);
  return strings;
}

}  // namespace zoo
