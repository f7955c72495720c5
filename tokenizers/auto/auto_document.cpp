#include "tokenizers/auto/auto_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/finish_document.h"
#include "tokenizers/auto/folder_tokens.h"
#include "tokenizers/auto/tokenizer_class.h"
#include "tokenizers/core/tokenizer_json.h"

namespace zoo {
namespace {

using nlohmann::json;

/// The tokens of a tokenizer.json, with new ids.
AddedIds added_of(const json& tokenizer_json, const ModelIds& ids) {
  AddedIds added = ids.added();
  for (AddedToken& token : read_added_tokens(tokenizer_json)) added.add(std::move(token));
  return added;
}

/// Converts to the form of the class: BPE and WordPiece number their pieces, unigram models list
/// them.
void convert_vocabulary(const ClassRules& rules, json& vocab) {
  if (rules.model == ClassRules::Model::kUnigram) {
    if (vocab.is_array()) return;
    throw std::runtime_error(
        fmt::format("{} needs a unigram model, a list of pieces and scores; the files have another "
                    "model: is the tokenizer_class right?",
                    rules.name));
  }
  if (!vocab.is_array()) return;
  json numbered = json::object();
  for (size_t id = 0; id < vocab.size(); ++id) {
    const json& entry = vocab[id];
    numbered[(entry.is_array() ? entry.at(0) : entry).get<std::string>()] = id;
  }
  vocab = std::move(numbered);
}

json part(const json& document, const char* name) { return document.value(name, json()); }

ClassParts parts_of(const json& tokenizer_json) {
  return {.normalizer = part(tokenizer_json, "normalizer"),
          .pre_tokenizer = part(tokenizer_json, "pre_tokenizer"),
          .decoder = part(tokenizer_json, "decoder"),
          .model = tokenizer_json.at("model"),
          .post_processor = part(tokenizer_json, "post_processor")};
}

bool same_tokens(std::vector<AddedToken> a, const std::vector<AddedToken>& b) {
  std::sort(a.begin(), a.end(), [](const auto& x, const auto& y) { return x.id < y.id; });
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.id == y.id && x.text == y.text && x.special == y.special && x.lstrip == y.lstrip &&
           x.rstrip == y.rstrip && x.single_word == y.single_word && x.normalized == y.normalized;
  });
}

/// The generic class: the whole file, and the tokens that the configuration files add.
AutoDocument generic_document(TokenizerSettings settings, std::string text,
                              const json& tokenizer_json) {
  const ModelIds ids(tokenizer_json.at("model").at("vocab"));
  AddedIds added = added_of(tokenizer_json, ids);
  take_padding_token(vocabulary_of_json(tokenizer_json), settings);
  add_tokens(settings, added);
  const std::vector<AddedToken> tokens = added.tokens();
  AutoDocument out{.config = config_of(settings, false)};
  out.as_written = same_tokens(read_added_tokens(tokenizer_json), tokens);
  if (out.as_written) {
    out.tokenizer_json = std::move(text);
    return out;
  }
  OrderedJson whole = OrderedJson::parse(text);
  const OrderedJson listed = make_tokenizer_json({}, tokens);
  whole["added_tokens"] = listed["added_tokens"];
  out.tokenizer_json = whole.dump(2) + "\n";
  return out;
}

}  // namespace

AutoDocument class_document(std::string_view class_name, TokenizerSettings settings,
                            SourceVocabulary source) {
  const ClassRules& rules = require_rules_of_class(class_name);
  convert_vocabulary(rules, source.vocab);
  if (source.from_model) settings.additional = source.reserved;
  ClassInput input(settings, source);
  const ClassParts parts = rules.make(input);
  const ModelIds ids(parts.model.at("vocab"));
  return finish_document(parts, source, std::move(settings), ids.added());
}

AutoDocument json_document(std::string_view class_name, TokenizerSettings settings,
                           std::string text, const json& tokenizer_json) {
  if (class_name == kGenericClass) {
    return generic_document(std::move(settings), std::move(text), tokenizer_json);
  }
  const ClassRules& rules = require_rules_of_class(class_name);
  SourceVocabulary source = vocabulary_of_json(tokenizer_json);
  if (!rules.takes_json) return class_document(class_name, std::move(settings), std::move(source));
  ClassInput input(settings, source);
  const ClassParts built = rules.make(input);
  ClassParts parts = parts_of(tokenizer_json);
  parts.own_post_processor = built.own_post_processor;
  const ModelIds ids(tokenizer_json.at("model").at("vocab"));
  return finish_document(parts, source, std::move(settings), added_of(tokenizer_json, ids));
}

}  // namespace zoo
