#include "app/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <memory>
#include <set>

#include "base/option_values.h"
#include "base/text_file.h"

namespace zoo {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(without_byte_order_mark(text)) {}

  std::vector<RecipeEntry> read() {
    std::vector<RecipeEntry> entries;
    std::set<std::string> seen;
    for (skip_blank(true); !at_end(); skip_blank(true)) {
      entries.push_back(entry());
      if (!seen.insert(entries.back().key).second) {
        fail(fmt::format("'{}' is set twice", entries.back().key));
      }
    }
    return entries;
  }

 private:
  RecipeEntry entry() {
    if (peek() == '[') fail("tables are not supported; recipes are flat 'key = value' lines");
    RecipeEntry entry;
    entry.line = line_;
    entry.key = peek() == '"' || peek() == '\'' ? string() : bare_key();
    skip_blank(false);
    if (peek() != '=') fail(fmt::format("expected '=' after '{}'", entry.key));
    ++position_;
    skip_blank(false);
    if (peek() == '[') {
      entry.is_array = true;
      entry.values = array();
    } else {
      entry.values = {value()};
    }
    skip_blank(false);
    if (!at_end() && peek() != '\n') fail(fmt::format("text after the value of '{}'", entry.key));
    return entry;
  }

  std::vector<std::string> array() {
    std::vector<std::string> values;
    ++position_;
    for (skip_blank(true); peek() != ']'; skip_blank(true)) {
      values.push_back(value());
      skip_blank(true);
      if (peek() == ',') {
        ++position_;
      } else if (peek() != ']') {
        fail("expected ',' or ']' in an array");
      }
    }
    ++position_;
    return values;
  }

  std::string value() {
    if (peek() == '"' || peek() == '\'') return string();
    const std::string word = take_while([](char c) {
      return c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ',' && c != ']' && c != '#';
    });
    if (word.empty()) fail("a value is missing");
    if (word == "true" || word == "false") return word;
    std::string digits = word;
    std::erase(digits, '_');  // TOML's 1_000_000
    double number = 0;
    const char* first = digits.data() + (digits.starts_with('+') ? 1 : 0);
    const char* last = digits.data() + digits.size();
    if (std::from_chars(first, last, number).ptr != last) {
      fail(fmt::format("'{}' is neither a number nor true or false; text goes in quotes", word));
    }
    return digits;
  }

  std::string bare_key() {
    std::string key = take_while([](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    });
    if (key.empty()) fail("expected 'key = value'");
    return key;
  }

  std::string string() {
    const char quote = take();
    std::string result;
    while (peek() != quote) {
      if (at_end() || peek() == '\n') fail("a string is not closed on its line");
      const char c = take();
      if (c == '\\' && quote == '"') {
        append_escape(result);
      } else {
        result += c;
      }
    }
    ++position_;
    return result;
  }

  void append_escape(std::string& result) {
    static constexpr std::string_view kLetters = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
    const char letter = at_end() ? '\0' : take();
    if (const size_t at = kLetters.find(letter); at != std::string_view::npos) {
      result += kMeanings[at];
    } else if (letter == 'u' || letter == 'U') {
      append_utf8(result, code_point(letter == 'u' ? 4 : 8));
    } else {
      fail("unknown escape in a string; write \\\\ for a backslash, or use single quotes");
    }
  }

  uint32_t code_point(size_t digits) {
    const std::string_view hex = text_.substr(position_, digits);
    uint32_t code = 0;
    const char* last = hex.data() + hex.size();
    if (hex.size() < digits || std::from_chars(hex.data(), last, code, 16).ptr != last ||
        code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      fail("\\u and \\U need the 4 or 8 hexadecimal digits of a character");
    }
    position_ += digits;
    return code;
  }

  static void append_utf8(std::string& result, uint32_t code) {
    if (code < 0x80) {
      result += static_cast<char>(code);
      return;
    }
    const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr int kLead[] = {0, 0xC0, 0xE0, 0xF0};
    result += static_cast<char>(kLead[following] | (code >> (6 * following)));
    for (int i = following - 1; i >= 0; --i) {
      result += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
    }
  }

  /// Skips blanks and a comment; with `lines`, also line ends and further blank lines and comments.
  void skip_blank(bool lines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#') {
        take_while([](char other) { return other != '\n'; });
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++position_;
      } else if (c == '\n' && lines) {
        take();
      } else {
        return;
      }
    }
  }

  template <class Predicate>
  std::string take_while(Predicate predicate) {
    const size_t start = position_;
    while (!at_end() && predicate(peek())) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }
  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  char take() {
    if (peek() == '\n') ++line_;
    return text_[position_++];
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw CLI::ConfigError(fmt::format("line {}: {}", line_, what));
  }

  std::string_view text_;
  size_t position_ = 0;
  int line_ = 1;
};

}  // namespace

std::string quote_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::vector<RecipeEntry> parse_recipe(std::string_view text) { return Reader(text).read(); }

namespace {

/// The recipe may come through a pipe.
std::string read_recipe(std::istream& in) {
  constexpr size_t kLongest = size_t{16} << 20;
  std::string text(kLongest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kLongest)
    throw CLI::ConfigError(fmt::format("longer than {} bytes: is this a recipe?", kLongest));
  if (!wide_encoding(text).empty())
    throw CLI::ConfigError(
        fmt::format("the file is {}, expected UTF-8; save it as UTF-8", wide_encoding(text)));
  return text;
}

}  // namespace

std::vector<CLI::ConfigItem> RecipeFormat::from_config(std::istream& in) const {
  const std::string text = read_recipe(in);
  std::vector<CLI::ConfigItem> items;
  for (const RecipeEntry& entry : parse_recipe(text)) {
    CLI::ConfigItem item;
    item.name = rename_ ? rename_(entry.key) : entry.key;
    item.inputs = entry.values;
    if (entry.is_array && entry.values.empty()) item.inputs = {std::string(kEmptyList)};
    items.push_back(std::move(item));
  }
  return items;
}

std::optional<std::string> RecipeFormat::value_of(const CLI::Option& option) const {
  if (const auto known = printers_.find(&option); known != printers_.end()) return known->second();
  // An option that a program added through CLI11 directly has only its text.
  if (option.get_expected_max() == 0) return option.count() > 0 ? "true" : "false";
  const CLI::results_t results = option.reduced_results();
  if (results.size() == 1) return quote_text(results[0]);
  if (results.size() > 1) return recipe_value(results);
  if (!option.get_default_str().empty()) return quote_text(option.get_default_str());
  return std::nullopt;
}

std::string RecipeFormat::to_config(const CLI::App* app, bool, bool, std::string) const {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : app->get_options({})) {
    if (option->get_configurable() && !option->get_lnames().empty()) options.push_back(option);
  }
  std::vector<std::string> groups;
  for (const CLI::Option* option : options) {
    if (std::find(groups.begin(), groups.end(), option->get_group()) == groups.end()) {
      groups.push_back(option->get_group());
    }
  }
  std::string text;
  for (const std::string& group : groups) {
    std::string lines;
    for (const CLI::Option* option : options) {
      if (option->get_group() != group) continue;
      if (const auto value = value_of(*option)) {
        lines += fmt::format("{} = {}\n", option->get_lnames().front(), *value);
      }
    }
    if (!lines.empty()) text += fmt::format("{}# {}\n{}", text.empty() ? "" : "\n", group, lines);
  }
  return text;
}

RecipeFormat& recipe_format(CLI::App& app) {
  auto format = std::dynamic_pointer_cast<RecipeFormat>(app.get_config_formatter());
  if (format == nullptr) {
    format = std::make_shared<RecipeFormat>();
    app.config_formatter(format);
  }
  return *format;
}

}  // namespace zoo
