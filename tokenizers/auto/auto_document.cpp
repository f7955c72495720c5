// The steps of TokenizersBackend.__init__, in its order.
#include "tokenizers/auto/auto_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/auto/added_ids.h"
#include "tokenizers/auto/class_rules.h"
#include "tokenizers/tokenizer_json.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// A model's own ids, by text. Of a list's equal entries the last one counts.
class ModelIds {
 public:
  explicit ModelIds(const json& vocab) : vocab_(vocab) {
    if (!vocab.is_array()) return;
    for (size_t id = 0; id < vocab.size(); ++id) {
      if (!vocab[id].is_array() || vocab[id].empty() || !vocab[id][0].is_string()) {
        throw std::runtime_error("'vocab' must list pieces with their scores");
      }
      listed_[vocab[id][0].get_ref<const std::string&>()] = static_cast<int32_t>(id);
    }
  }
  std::optional<int32_t> operator()(std::string_view text) const {
    if (vocab_.is_array()) {
      const auto found = listed_.find(text);
      return found == listed_.end() ? std::nullopt : std::optional(found->second);
    }
    const auto found = vocab_.find(text);
    if (found == vocab_.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<int32_t>();
  }

 private:
  const json& vocab_;
  std::unordered_map<std::string_view, int32_t> listed_;
};

/// All tokens with a name: the seven roles, then the model's own.
TokenizerSettings::Tokens named_tokens(const TokenizerSettings& settings) {
  TokenizerSettings::Tokens tokens;
  for (const std::string_view role : kTokenRoles) {
    const auto found = settings.roles.find(role);
    if (found != settings.roles.end() && found->second) tokens.push_back(*found->second);
  }
  for (const auto& [name, token] : settings.named) tokens.push_back(token);
  return tokens;
}

/// What is added, in this order: the files' added tokens, then named ones, then extra ones.
void add_tokens(const TokenizerSettings& settings, AddedIds& added) {
  TokenizerSettings::Tokens tokens;
  std::set<std::string> texts;
  for (const auto& [id, token] : settings.added) {
    tokens.push_back(token);
    texts.insert(token.text);
  }
  const auto queue = [&](const TokenSpec& token) {
    const bool known = texts.contains(token.text) || added.has(token.text);
    if (known || std::find(tokens.begin(), tokens.end(), token) != tokens.end()) return;
    tokens.push_back(token);
  };
  const TokenizerSettings::Tokens named = named_tokens(settings);
  for (const TokenSpec& token : named) queue(token);
  const auto& extra = settings.extra ? settings.extra : settings.additional;
  if (extra) {
    for (const TokenSpec& token : *extra) queue(token);
  }
  for (TokenSpec& token : tokens) {
    const auto same = [&](const TokenSpec& other) { return other.text == token.text; };
    token.special = token.special || std::any_of(named.begin(), named.end(), same);
    added.add(token.token());
  }
}

std::string text_of(const TokenizerSettings& settings, std::string_view role) {
  const auto found = settings.roles.find(role);
  return found != settings.roles.end() && found->second ? found->second->text : std::string();
}

bool truthy_flag(const TokenizerSettings& settings, const char* key) {
  const auto found = settings.values.find(key);
  return found != settings.values.end() && !found->is_null() && settings.flag(key, false);
}

json bos_eos_template(const TokenizerSettings& settings, const TokenIds& id_of) {
  const std::string bos = text_of(settings, "bos_token"), eos = text_of(settings, "eos_token");
  std::vector<Slot> single, pair;
  const auto add = [&](const char* text, int segment) {
    std::vector<Slot> part;
    if (!bos.empty() && truthy_flag(settings, "add_bos_token")) part.push_back({bos, segment});
    part.push_back({text, segment});
    if (!eos.empty() && truthy_flag(settings, "add_eos_token")) part.push_back({eos, segment});
    pair.insert(pair.end(), part.begin(), part.end());
    if (segment == 0) single = std::move(part);
  };
  add("$A", 0);
  add("$B", 1);
  return template_json(single, pair, id_of);
}

json post_processor_of(const ClassParts& parts, const SourceVocabulary& source,
                       const TokenizerSettings& settings, const TokenIds& id_of) {
  const json& given =
      source.post_processor.is_null() ? parts.post_processor : source.post_processor;
  const bool asked = given.is_null() || settings.values.contains("add_bos_token") ||
                     settings.values.contains("add_eos_token");
  const bool own_is_last = parts.again != ClassParts::Again::kWithFlags || !asked;
  if (parts.own_post_processor && own_is_last) return parts.own_post_processor(id_of);
  return asked || parts.always_bos_eos ? bos_eos_template(settings, id_of) : given;
}

/// A tokenizer.json's padding names the token that pads, where nothing else does.
void take_padding_token(const SourceVocabulary& source, TokenizerSettings& settings) {
  if (!source.padding.is_object() || settings.roles.contains("pad_token")) return;
  const auto token = source.padding.find("pad_token");
  if (token != source.padding.end() && token->is_string()) {
    settings.roles["pad_token"] = TokenSpec::of(token->get<std::string>());
  }
}

/// Roles that the class has and no token for are null: no other token is to be taken for them.
std::string config_of(const TokenizerSettings& settings, bool all_roles) {
  ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  for (const std::string_view role : kTokenRoles) {
    const auto found = settings.roles.find(role);
    const bool said = found != settings.roles.end();
    if (said && found->second) {
      config[std::string(role)] = found->second->text;
    } else if (said || all_roles) {
      config[std::string(role)] = nullptr;
    }
  }
  for (const char* key : {"clean_up_tokenization_spaces", "split_special_tokens",
                          "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
                          "model_max_length", "padding_side", "truncation_side"}) {
    if (const auto value = settings.values.find(key); value != settings.values.end()) {
      config[key] = *value;
    }
  }
  return config.dump(2) + "\n";
}

/// Pieces in the order of their ids, as people read them.
OrderedJson model_in_order(const json& model) {
  OrderedJson ordered = OrderedJson::object();
  for (const auto& [key, value] : model.items()) {
    if (key != "vocab" || !value.is_object()) ordered[key] = value;
  }
  if (const auto vocab = model.find("vocab"); vocab != model.end() && vocab->is_object()) {
    std::vector<std::pair<int64_t, std::string_view>> pieces;
    for (const auto& [piece, id] : vocab->items()) {
      if (!id.is_number_integer()) throw std::runtime_error("'vocab': an id is no number");
      pieces.emplace_back(id.get<int64_t>(), piece);
    }
    std::sort(pieces.begin(), pieces.end());
    OrderedJson::object_t all;
    all.reserve(pieces.size());
    for (const auto& [id, piece] : pieces) all.emplace_back(std::string(piece), id);
    ordered["vocab"] = std::move(all);
  }
  return ordered;
}

/// The tokens of a tokenizer.json, which get their ids anew.
AddedIds added_of(const json& tokenizer_json, const ModelIds& ids) {
  AddedIds added(std::ref(ids), static_cast<int32_t>(tokenizer_json["model"]["vocab"].size()));
  for (AddedToken& token : read_added_tokens(tokenizer_json)) added.add(std::move(token));
  return added;
}

TokenIds token_ids(const TokenizerSettings& settings, const AddedIds& added) {
  return [&](const std::string& token) {
    if (const auto id = added.id_of(token)) return *id;
    if (const auto id = added.id_of(text_of(settings, "unk_token"))) return *id;
    throw std::runtime_error(fmt::format("the token '{}' has no id", token));
  };
}

void add_again(const TokenizerSettings& settings, ClassParts::Again again, AddedIds& added) {
  if (again == ClassParts::Again::kNo) return;
  TokenizerSettings::Tokens all = named_tokens(settings);
  const auto& extra = settings.extra ? settings.extra : settings.additional;
  if (extra) all.insert(all.end(), extra->begin(), extra->end());
  for (TokenSpec& token : all) {
    if (again == ClassParts::Again::kByText) token = TokenSpec::of(token.text);
    token.special = true;
    added.add(token.token());
  }
}

/// The rest of the way, which all classes go.
AutoDocument finish(const ClassParts& parts, const SourceVocabulary& source,
                    TokenizerSettings settings, AddedIds added, bool all_roles) {
  take_padding_token(source, settings);
  add_tokens(settings, added);
  add_again(settings, parts.again, added);
  const json post = post_processor_of(parts, source, settings, token_ids(settings, added));
  const OrderedJson whole = make_tokenizer_json({.normalizer = OrderedJson(parts.normalizer),
                                                 .pre_tokenizer = OrderedJson(parts.pre_tokenizer),
                                                 .post_processor = OrderedJson(post),
                                                 .decoder = OrderedJson(parts.decoder),
                                                 .model = model_in_order(parts.model)},
                                                added.tokens());
  return {.tokenizer_json = whole.dump(2) + "\n", .config = config_of(settings, all_roles)};
}

/// As the class takes it: BPE and WordPiece number their pieces, unigram models list them.
void shape_vocabulary(const ClassRules& rules, json& vocab) {
  if (rules.model == ClassRules::Model::kUnigram) {
    if (vocab.is_array()) return;
    throw std::runtime_error(
        fmt::format("{} needs a unigram model, a list of pieces and scores; the files hold another "
                    "one: is the tokenizer_class right?",
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

/// The generic class: the file as it is, and the tokens that the small files add.
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
  shape_vocabulary(rules, source.vocab);
  if (source.from_model) settings.additional = source.reserved;
  ClassInput input(settings, source);
  const ClassParts parts = rules.make(input);
  const ModelIds ids(parts.model.at("vocab"));
  AddedIds added(std::ref(ids), static_cast<int32_t>(parts.model.at("vocab").size()));
  return finish(parts, source, std::move(settings), std::move(added), true);
}

AutoDocument json_document(std::string_view class_name, TokenizerSettings settings,
                           std::string text, const json& tokenizer_json) {
  if (class_name == "TokenizersBackend") {
    return generic_document(std::move(settings), std::move(text), tokenizer_json);
  }
  const ClassRules& rules = require_rules_of_class(class_name);
  SourceVocabulary source = vocabulary_of_json(tokenizer_json);
  if (!rules.takes_json) return class_document(class_name, std::move(settings), std::move(source));
  ClassInput input(settings, source);
  const ClassParts made = rules.make(input);
  ClassParts parts = parts_of(tokenizer_json);
  parts.own_post_processor = made.own_post_processor;
  const ModelIds ids(tokenizer_json.at("model").at("vocab"));
  return finish(parts, source, std::move(settings), added_of(tokenizer_json, ids), true);
}

AutoDocument model_document(TokenizerSettings settings, std::string_view model) {
  const bool bpe = model_is_bpe(model);
  SourceVocabulary source = vocabulary_of_model(model, bpe);
  settings.additional = source.reserved;
  if (!bpe && !settings.added.empty()) {
    throw std::runtime_error(
        "added tokens beside a unigram .model need a tokenizer_class that knows what to do with "
        "them, or a tokenizer.json");
  }
  for (const auto& [id, token] :
       settings.added) {  // a reserved piece gets the name that it has now
    for (auto piece = source.vocab.begin(); piece != source.vocab.end(); ++piece) {
      if (*piece != id) continue;
      if (!source.vocab.contains(token.text)) {
        source.vocab.erase(piece);
        source.vocab[token.text] = id;
      }
      break;
    }
  }
  const char* const roles[] = {"bos_token", "eos_token"};
  for (size_t i = 0; i < 2; ++i) {
    const std::string& piece = source.begin_and_end[i];
    if (!piece.empty()) settings.roles.emplace(roles[i], TokenSpec::of(piece));
  }
  if (source.unk_id >= 0) settings.roles.emplace("unk_token", TokenSpec::of(source.unk_piece));
  const json space = {
      {"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xE2\x96\x81"}};
  const json back = {
      {"type", "Replace"}, {"pattern", {{"String", "\xE2\x96\x81"}}}, {"content", " "}};
  json::array_t normalizers, decoders = {back};
  if (!source.charsmap.empty()) {
    normalizers.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", source.charsmap}});
  }
  normalizers.push_back(space);
  if (source.byte_fallback) {
    decoders.push_back({{"type", "ByteFallback"}});
    decoders.push_back({{"type", "Fuse"}});
  }
  ClassParts parts{.normalizer = sequence_json("normalizers", std::move(normalizers)),
                   .decoder = sequence_json("decoders", std::move(decoders))};
  if (bpe) {
    parts.model = bpe_json(source);
    parts.model["unk_token"] = source.unk_piece;
    parts.model["fuse_unk"] = true;
    parts.model["byte_fallback"] = source.byte_fallback;
  } else {
    parts.model = {{"type", "Unigram"},
                   {"unk_id", source.unk_id},
                   {"vocab", source.vocab},
                   {"byte_fallback", source.byte_fallback}};
  }
  const ModelIds ids(parts.model.at("vocab"));
  AddedIds added(std::ref(ids), static_cast<int32_t>(parts.model.at("vocab").size()));
  return finish(parts, source, std::move(settings), std::move(added), true);
}

}  // namespace zoo
