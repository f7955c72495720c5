// Reads a tokenizer.json's "pre_tokenizer".
#include "tokenizers/stages/pre_tokenizer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tokenizers/json_fields.h"
#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/split_pre_tokenizers.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> stages)
      : stages_(std::move(stages)) {}
  void apply(PreTokens& pre) const override {
    for (const auto& stage : stages_) stage->apply(pre);
  }
  bool byte_level() const override {
    for (const auto& stage : stages_) {
      if (stage->byte_level()) return true;
    }
    return false;
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> stages_;
};

/// A stage after ByteLevel (Falcon has such): it sees the byte alphabet, in which a byte may be a
/// digit or a sign that the text does not have.
class OnByteAlphabet final : public PreTokenizer {
 public:
  explicit OnByteAlphabet(std::unique_ptr<PreTokenizer> stage) : stage_(std::move(stage)) {}
  void apply(PreTokens& pre) const override {
    const std::string& bytes = pre.text.text();
    std::string written;
    std::vector<size_t> begins(bytes.size() + 1), byte_of;
    for (size_t i = 0; i < bytes.size(); ++i) {
      begins[i] = written.size();
      written += byte_character(static_cast<uint8_t>(bytes[i]));
      byte_of.resize(written.size(), i);
    }
    begins[bytes.size()] = written.size();
    byte_of.push_back(bytes.size());
    PreTokens inner{.text = AlignedText(written, pre.text.begin(), false), .words = pre.words};
    for (Span& word : inner.words) word = {begins[word.begin], begins[word.end]};
    stage_->apply(inner);
    for (Span& word : inner.words) word = {byte_of[word.begin], byte_of[word.end]};
    pre.words = std::move(inner.words);
  }

 private:
  std::unique_ptr<PreTokenizer> stage_;
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
  // An empty text matches between all characters, as the empty expression does.
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

std::unique_ptr<PreTokenizer> read(const json& object, int depth);

std::unique_ptr<PreTokenizer> read_sequence(const json& object, int depth) {
  const json& list = fields::required(object, "pretokenizers", "pre_tokenizer Sequence");
  if (!list.is_array()) fields::fail("pre_tokenizer Sequence", "pretokenizers", "an array", list);
  if (depth == kDeepest) throw std::runtime_error("pre_tokenizer: Sequences are nested too deeply");
  std::vector<std::unique_ptr<PreTokenizer>> stages;
  bool bytes = false;
  for (const json& item : list) {
    auto stage = read(item, depth + 1);
    if (bytes) {
      const std::string type = item.at("type");
      if (type == "ByteLevel" || type == "Metaspace" || type == "Sequence") {
        throw std::runtime_error(
            fmt::format("pre_tokenizer Sequence: {} after ByteLevel is not supported", type));
      }
      stage = std::make_unique<OnByteAlphabet>(std::move(stage));
    }
    bytes = bytes || stage->byte_level();
    stages.push_back(std::move(stage));
  }
  return std::make_unique<Sequence>(std::move(stages));
}

std::unique_ptr<PreTokenizer> read(const json& object, int depth) {
  const std::string type = fields::text(object, "type", "pre_tokenizer");
  if (type == "Sequence") return read_sequence(object, depth);
  if (type == "Split") return read_split(object);
  if (type == "Metaspace") return read_metaspace(object);
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "ByteLevel") {
    return make_byte_level(fields::boolean(object, "add_prefix_space", "pre_tokenizer ByteLevel"),
                           fields::boolean(object, "use_regex", "pre_tokenizer ByteLevel", true));
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
  throw std::runtime_error(
      fmt::format("unknown pre_tokenizer '{}'; known: Sequence, ByteLevel, BertPreTokenizer, "
                  "Whitespace, WhitespaceSplit, Split, Metaspace, Punctuation, Digits",
                  type));
}

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const json& pre_tokenizer) {
  return pre_tokenizer.is_null() ? nullptr : read(pre_tokenizer, 0);
}

}  // namespace zoo
