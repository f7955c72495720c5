// Creates the pre-tokenizer described by a tokenizer.json's "pre_tokenizer".
#include "tokenizers/stages/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/stages/split_pre_tokenizers.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> stages)
      : stages_(std::move(stages)) {}
  void apply(PreTokens& pre) const override {
    for (const auto& stage : stages_) stage->apply(pre);
  }
  bool makes_bytes() const override { return !stages_.empty() && stages_.back()->makes_bytes(); }
  bool looks_at_places() const override {
    return std::any_of(stages_.begin(), stages_.end(),
                       [](const auto& stage) { return stage->looks_at_places(); });
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> stages_;
};

SplitBehaviour behaviour(const json& object, std::string_view part) {
  const std::string name = fields::text(object, "behavior", part);
  if (name == "Removed") return SplitBehaviour::kRemoved;
  if (name == "Isolated") return SplitBehaviour::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehaviour::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehaviour::kMergedWithNext;
  if (name == "Contiguous") return SplitBehaviour::kContiguous;
  throw std::runtime_error(fmt::format(
      "pre_tokenizer {}: unknown behavior '{}'; known: Removed, Isolated, MergedWithPrevious, "
      "MergedWithNext, Contiguous",
      part, name));
}

std::unique_ptr<PreTokenizer> read_split(const json& object) {
  const json& pattern = fields::required(object, "pattern", "pre_tokenizer Split");
  fields::check_object(pattern, "pre_tokenizer Split's pattern");
  const bool is_regex = pattern.contains("Regex");
  const std::string text =
      fields::text(pattern, is_regex ? "Regex" : "String", "pre_tokenizer Split's pattern");
  SplitRule rule{.pattern = text,
                 .behaviour = behaviour(object, "pre_tokenizer Split"),
                 .invert = fields::boolean(object, "invert", "pre_tokenizer Split")};
  // An empty string matches between all characters, like the empty expression.
  if (is_regex || text.empty()) rule.pattern = Regex(text);
  return make_split(std::move(rule));
}

PrependScheme prepend_scheme(const json& object) {
  const auto name = fields::optional_text(object, "prepend_scheme", "pre_tokenizer Metaspace");
  if (!name) {  // before tokenizers 0.15
    const bool prefix =
        fields::boolean(object, "add_prefix_space", "pre_tokenizer Metaspace", true);
    return prefix ? PrependScheme::kAlways : PrependScheme::kNever;
  }
  if (name == "always") return PrependScheme::kAlways;
  if (name == "first") return PrependScheme::kFirst;
  if (name == "never") return PrependScheme::kNever;
  throw std::runtime_error(fmt::format(
      "pre_tokenizer Metaspace: unknown prepend_scheme '{}'; known: always, first, never", *name));
}

std::unique_ptr<PreTokenizer> read_metaspace(const json& object) {
  const std::string replacement = fields::text(object, "replacement", "pre_tokenizer Metaspace");
  if (replacement.empty() || utf8::first(replacement).size != replacement.size()) {
    throw std::runtime_error("pre_tokenizer Metaspace: 'replacement' must be one character");
  }
  return make_metaspace(
      {.replacement = replacement,
       .prepend = prepend_scheme(object),
       .split = fields::boolean(object, "split", "pre_tokenizer Metaspace", true)});
}

std::unique_ptr<PreTokenizer> read_characters(unicode::Classes classes, SplitBehaviour behaviour) {
  return make_split({.pattern = CodePointSet::with(classes), .behaviour = behaviour});
}

/// A field that must be one character.
char32_t read_character(const json& object, const char* key, std::string_view part) {
  const std::string text = fields::text(object, key, part);
  const utf8::Character c = text.empty() ? utf8::Character{} : utf8::first(text);
  if (c.size != text.size() || !c.valid) {
    throw std::runtime_error(fmt::format("{}: '{}' must be one character", part, key));
  }
  return c.code;
}

std::unique_ptr<PreTokenizer> read_fixed_length(const json& object) {
  const char* part = "pre_tokenizer FixedLength";
  if (!object.contains("length")) return make_fixed_length(kDefaultFixedLength);
  const json& length = object["length"];
  if (!length.is_number_integer() || length < 1) {
    fields::fail(part, "length", "a number from 1 on", length);
  }
  return make_fixed_length(length.get<size_t>());
}

std::unique_ptr<PreTokenizer> read(const json& object, WordsAs words, int depth);

std::unique_ptr<PreTokenizer> read_sequence(const json& object, WordsAs words, int depth) {
  const json& list = fields::required(object, "pretokenizers", "pre_tokenizer Sequence");
  if (!list.is_array()) fields::fail("pre_tokenizer Sequence", "pretokenizers", "an array", list);
  if (depth == kDeepest) throw std::runtime_error("pre_tokenizer: Sequences are nested too deeply");
  std::vector<std::unique_ptr<PreTokenizer>> stages;
  for (size_t i = 0; i < list.size(); ++i) {
    const bool last = i + 1 == list.size();
    stages.push_back(read(list[i], last ? words : WordsAs::kText, depth + 1));
  }
  return std::make_unique<PreTokenizerSequence>(std::move(stages));
}

std::unique_ptr<PreTokenizer> read(const json& object, WordsAs words, int depth) {
  const std::string type = fields::text(object, "type", "pre_tokenizer");
  if (type == "Sequence") return read_sequence(object, words, depth);
  if (type == "Split") return read_split(object);
  if (type == "Metaspace") return read_metaspace(object);
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "ByteLevel") {
    return make_byte_level(fields::boolean(object, "add_prefix_space", "pre_tokenizer ByteLevel"),
                           fields::boolean(object, "use_regex", "pre_tokenizer ByteLevel", true),
                           words);
  }
  if (type == "Whitespace") {
    return make_split({.pattern = Regex(R"(\w+|[^\w\s]+)", Regex::Dialect::kRust),
                       .behaviour = SplitBehaviour::kRemoved,
                       .invert = true});
  }
  if (type == "WhitespaceSplit") {
    return read_characters(unicode::kSpace, SplitBehaviour::kRemoved);
  }
  if (type == "Punctuation") {
    const bool given = object.contains("behavior");
    return read_characters(
        unicode::kPunctuation,
        given ? behaviour(object, "pre_tokenizer Punctuation") : SplitBehaviour::kIsolated);
  }
  if (type == "Digits") {
    const bool each = fields::boolean(object, "individual_digits", "pre_tokenizer Digits");
    return read_characters(unicode::kNumeric,
                           each ? SplitBehaviour::kIsolated : SplitBehaviour::kContiguous);
  }
  if (type == "CharDelimiterSplit") {
    const char32_t code = read_character(object, "delimiter", "pre_tokenizer CharDelimiterSplit");
    return make_split({.pattern = CodePointSet::of(code), .behaviour = SplitBehaviour::kRemoved});
  }
  if (type == "FixedLength") return read_fixed_length(object);
  if (type == "UnicodeScripts") return make_unicode_scripts();
  throw std::runtime_error(
      fmt::format("unknown pre_tokenizer '{}'; known: Sequence, ByteLevel, BertPreTokenizer, "
                  "Whitespace, WhitespaceSplit, Split, Metaspace, Punctuation, Digits, "
                  "CharDelimiterSplit, FixedLength, UnicodeScripts",
                  type));
}

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const json& pre_tokenizer, WordsAs words) {
  return pre_tokenizer.is_null() ? nullptr : read(pre_tokenizer, words, 0);
}

}  // namespace zoo
