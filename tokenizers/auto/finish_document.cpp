#include "tokenizers/auto/finish_document.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tokenizers/auto/folder_tokens.h"
#include "tokenizers/core/tokenizer_json.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

bool truthy_flag(const TokenizerSettings& settings, const char* key) {
  const auto found = settings.values.find(key);
  return found != settings.values.end() && !found->is_null() && settings.flag(key, false);
}

json bos_eos_template(const TokenizerSettings& settings, const TokenIds& id_of) {
  const std::string bos = role_text(settings, "bos_token"), eos = role_text(settings, "eos_token");
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
  const bool by_flags = given.is_null() || settings.values.contains("add_bos_token") ||
                        settings.values.contains("add_eos_token");
  const bool own_is_last = parts.re_add != ClassParts::ReAdd::kWithFlags || !by_flags;
  if (parts.own_post_processor && own_is_last) return parts.own_post_processor(id_of);
  return by_flags || parts.always_bos_eos ? bos_eos_template(settings, id_of) : given;
}

/// Sorts pieces by id, for readers.
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

}  // namespace

void take_padding_token(const SourceVocabulary& source, TokenizerSettings& settings) {
  if (!source.padding.is_object() || settings.roles.contains("pad_token")) return;
  const auto token = source.padding.find("pad_token");
  if (token != source.padding.end() && token->is_string()) {
    settings.roles["pad_token"] = TokenSpec::of(token->get<std::string>());
  }
}

std::string config_of(const TokenizerSettings& settings, bool all_roles) {
  ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  for (const std::string_view role : kTokenRoles) {
    const auto found = settings.roles.find(role);
    const bool given = found != settings.roles.end();
    if (given && found->second) {
      config[std::string(role)] = found->second->text;
    } else if (given || all_roles) {
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

AutoDocument finish_document(const ClassParts& parts, const SourceVocabulary& source,
                             TokenizerSettings settings, AddedIds added) {
  take_padding_token(source, settings);
  add_tokens(settings, added);
  add_again(settings, parts.re_add, added);
  const json post = post_processor_of(parts, source, settings, token_ids(settings, added));
  const OrderedJson whole = make_tokenizer_json({.normalizer = OrderedJson(parts.normalizer),
                                                 .pre_tokenizer = OrderedJson(parts.pre_tokenizer),
                                                 .post_processor = OrderedJson(post),
                                                 .decoder = OrderedJson(parts.decoder),
                                                 .model = model_in_order(parts.model)},
                                                added.tokens());
  return {.tokenizer_json = whole.dump(2) + "\n",
          .config = config_of(settings, /*all_roles=*/true)};
}

}  // namespace zoo
