// The rules of a tokenizer.json's "normalizer", one class each.
#include "tokenizers/stages/normalizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/precompiled.h"
#include "tokenizers/stages/replace.h"
#include "tokenizers/text/normalization.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(AlignedText& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

/// A rule without options.
class Rule : public Normalizer {
 public:
  explicit Rule(void (*apply)(AlignedText&)) : apply_(apply) {}
  void apply(AlignedText& text) const override { apply_(text); }

 private:
  void (*apply_)(AlignedText&);
};

template <NormalForm form>
void normalize_as(AlignedText& text) {
  normalize(text, form);
}

void strip_accents(AlignedText& text) { remove_characters(text, is_combining_mark); }

void write_all_in_byte_alphabet(AlignedText& text) {
  AlignedText::Editor edit(text);
  write_in_byte_alphabet(edit, text.text().size());
  edit.finish();
}

/// Taku Kudo's rules for machine translation.
void nmt(AlignedText& text) {
  remove_characters(text, [](char32_t c) {
    return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  });
  write_as_spaces(text, [](char32_t c) {
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  });
}

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void apply(AlignedText& text) const override {
    AlignedText::Editor edit(text);
    while (left_ && !edit.done()) {
      const utf8::Character c = utf8::first(edit.rest());
      if (!c.valid || !bert::is_whitespace(c.code)) break;
      edit.skip(c.size);
    }
    if (right_) {
      std::string_view kept = edit.rest();
      while (!kept.empty()) {
        const utf8::Character c = utf8::last(kept);
        if (!c.valid || !bert::is_whitespace(c.code)) break;
        kept.remove_suffix(c.size);
      }
      edit.keep(kept.size());
      edit.skip(edit.rest().size());
    }
    edit.finish();
  }

 private:
  bool left_, right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  void apply(AlignedText& text) const override {
    if (text.text().empty()) return;
    AlignedText::Editor edit(text);
    if (!text_.empty()) {
      edit.insert_before(text_);
    } else {  // only a span changes, as in the reference: the first character loses its own
      const size_t size = utf8::first(edit.rest()).size;
      edit.insert(edit.rest().substr(0, size));
      edit.skip(size);
    }
    edit.finish();
  }

 private:
  std::string text_;
};

// ---- From JSON ----
const json& field(const json& rule, const char* name, bool (json::*is)() const noexcept,
                  const char* expected) {
  const auto found = rule.find(name);
  if (found == rule.end() || !((*found).*is)()) {
    throw std::runtime_error(fmt::format("normalizer {}: expected {} as \"{}\", found {}",
                                         rule.at("type").get<std::string>(), expected, name,
                                         found == rule.end() ? "nothing" : found->type_name()));
  }
  return *found;
}

bool flag(const json& rule, const char* name) {
  return field(rule, name, &json::is_boolean, "true or false").get<bool>();
}

std::string text(const json& rule, const char* name) {
  return field(rule, name, &json::is_string, "a string").get<std::string>();
}

std::unique_ptr<Normalizer> make_bert(const json& rule) {
  const bool lowercase = flag(rule, "lowercase");
  const bool as_lowercase = !rule.contains("strip_accents") || rule["strip_accents"].is_null();
  return make_bert_normalizer(
      {.clean_text = flag(rule, "clean_text"),
       .handle_chinese_chars = flag(rule, "handle_chinese_chars"),
       .strip_accents = as_lowercase ? lowercase : flag(rule, "strip_accents"),
       .lowercase = lowercase});
}

std::unique_ptr<Normalizer> make_replace_rule(const json& rule) {
  const json& pattern = field(rule, "pattern", &json::is_object, "an object");
  if (pattern.contains("String") && pattern["String"].is_string()) {
    return make_replace_normalizer(pattern["String"].get<std::string>(), text(rule, "content"));
  }
  if (pattern.contains("Regex") && pattern["Regex"].is_string()) {
    return make_replace_normalizer(Regex(pattern["Regex"].get<std::string>()),
                                   text(rule, "content"));
  }
  throw std::runtime_error("normalizer Replace: expected {\"String\": ...} or {\"Regex\": ...}");
}

std::unique_ptr<Normalizer> make_precompiled(const json& rule) {
  const std::optional<std::string> bytes = decode_base64(text(rule, "precompiled_charsmap"));
  if (!bytes) throw std::runtime_error("normalizer Precompiled: the charsmap must be Base64");
  return make_precompiled_normalizer(*bytes);
}

std::unique_ptr<Normalizer> make_rule(const json& rule, int depth);

std::unique_ptr<Normalizer> make_rules(const json& rule, int depth) {
  constexpr int kDeepest = 32;
  if (depth == kDeepest) {
    throw std::runtime_error(
        fmt::format("normalizer Sequence: nested more than {} times", kDeepest));
  }
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const json& step : field(rule, "normalizers", &json::is_array, "a list")) {
    steps.push_back(make_rule(step, depth + 1));
  }
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

std::unique_ptr<Normalizer> make_rule(const json& rule, int depth) {
  if (!rule.is_object() || !rule.contains("type") || !rule["type"].is_string()) {
    throw std::runtime_error("normalizer: expected {\"type\": ...}, found other JSON");
  }
  const std::string type = rule["type"];
  static const std::pair<std::string_view, void (*)(AlignedText&)> kPlain[] = {
      {"ByteLevel", write_all_in_byte_alphabet},
      {"Lowercase", lowercase},
      {"NFC", normalize_as<NormalForm::kNfc>},
      {"NFD", normalize_as<NormalForm::kNfd>},
      {"NFKC", normalize_as<NormalForm::kNfkc>},
      {"NFKD", normalize_as<NormalForm::kNfkd>},
      {"Nmt", nmt},
      {"StripAccents", strip_accents}};
  for (const auto& [name, apply] : kPlain) {
    if (type == name) return std::make_unique<Rule>(apply);
  }
  if (type == "BertNormalizer") return make_bert(rule);
  if (type == "Precompiled") return make_precompiled(rule);
  if (type == "Prepend") return std::make_unique<Prepend>(text(rule, "prepend"));
  if (type == "Replace") return make_replace_rule(rule);
  if (type == "Sequence") return make_rules(rule, depth);
  if (type == "Strip") {
    return std::make_unique<Strip>(flag(rule, "strip_left"), flag(rule, "strip_right"));
  }
  throw std::runtime_error(fmt::format(
      "normalizer {} is not known; known are BertNormalizer, Lowercase, NFC, NFD, NFKC, "
      "NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip and StripAccents",
      json(type).dump()));
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const json& normalizer) {
  return normalizer.is_null() ? nullptr : make_rule(normalizer, 0);
}

bool may_insert_without_place(const json& normalizer) {
  if (normalizer.is_null()) return false;
  const std::string type = normalizer.at("type");
  if (type == "Prepend") return normalizer.at("prepend") == "";
  if (type == "Sequence") {
    const json& steps = normalizer.at("normalizers");
    return std::any_of(steps.begin(), steps.end(), may_insert_without_place);
  }
  if (type != "Replace") return false;
  const json& pattern = normalizer.at("pattern");
  if (pattern.contains("String")) return pattern["String"] == "";
  const Regex regex(pattern.at("Regex").get<std::string>());
  for (const std::string_view text : {"a", " a", "1", "-", "\n", "\u00E9"}) {
    Span match;
    if (Regex::Matches(regex, text).next(match) && match == Span{}) return true;
  }
  return false;
}

}  // namespace zoo
