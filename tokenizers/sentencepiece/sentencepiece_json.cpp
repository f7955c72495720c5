// Expresses a SentencePiece model in the terms of the `tokenizers` package: the same splitting as a
// normalizer, a model and a decoder.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "base/base64.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Type = SentencePieceModel::Type;

OrderedJson replace(const OrderedJson& pattern, std::string_view content) {
  return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
}

/// A single step as it is, several as a Sequence, none as null.
OrderedJson chain(std::vector<OrderedJson> steps, const char* key) {
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps.front();
  return {{"type", "Sequence"}, {key, steps}};
}

OrderedJson normalizer(const SentencePieceModel& model) {
  std::vector<OrderedJson> steps;
  if (!model.precompiled_charsmap.empty()) {
    steps.push_back({{"type", "Precompiled"},
                     {"precompiled_charsmap", encode_base64(model.precompiled_charsmap)}});
  }
  if (model.remove_extra_whitespaces) {
    steps.push_back(replace({{"Regex", "\\A +| +\\z"}}, ""));  // ^ and $ would match at line ends
    steps.push_back(replace({{"Regex", " {2,}"}}, " "));
  }
  if (model.add_dummy_prefix) {
    steps.push_back(
        {{"type", "Prepend"}, {"prepend", model.escape_whitespaces ? kMarkedSpace : " "}});
  }
  if (model.escape_whitespaces) steps.push_back(replace({{"String", " "}}, kMarkedSpace));
  return chain(std::move(steps), "normalizers");
}

OrderedJson decoder(const SentencePieceModel& model) {
  std::vector<OrderedJson> steps;
  if (model.escape_whitespaces) steps.push_back(replace({{"String", kMarkedSpace}}, " "));
  if (model.byte_fallback) steps.push_back({{"type", "ByteFallback"}});
  steps.push_back({{"type", "Fuse"}});
  if (const size_t start = leading_spaces_dropped(model); start > 0) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", 0}});
  }
  return chain(std::move(steps), "decoders");
}

std::string unknown_piece(const SentencePieceModel& model) {
  for (const auto& piece : model.pieces) {
    if (piece.type == Type::kUnknown) return piece.text;
  }
  throw std::runtime_error("a SentencePiece model without an unknown piece");
}

/// SentencePiece joins two neighbours whenever their concatenation is a piece, the best score
/// first. So every split of a piece into two pieces is a merge, in the order of the scores.
OrderedJson merges(const SentencePieceModel& model) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].type == Type::kNormal) ids.emplace(model.pieces[id].text, id);
  }
  std::vector<std::tuple<float, size_t, size_t, size_t>> found;  // -score, piece, left, right
  for (const auto& [text, id] : ids) {
    for (size_t cut = utf8::first(text).size; cut < text.size();
         cut += utf8::first(text.substr(cut)).size) {
      const auto left = ids.find(text.substr(0, cut)), right = ids.find(text.substr(cut));
      if (left != ids.end() && right != ids.end()) {
        found.emplace_back(-model.pieces[id].score, id, left->second, right->second);
      }
    }
  }
  std::sort(found.begin(), found.end());
  OrderedJson::array_t list;
  list.reserve(found.size());
  for (const auto& [score, id, left, right] : found) {
    list.push_back(OrderedJson::array({model.pieces[left].text, model.pieces[right].text}));
  }
  return list;
}

OrderedJson bpe_model(const SentencePieceModel& model) {
  OrderedJson::object_t vocabulary;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    vocabulary.push_back({model.pieces[id].text, id});
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", unknown_piece(model)},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", true},
          {"byte_fallback", model.byte_fallback},
          {"ignore_merges", false},
          {"vocab", vocabulary},
          {"merges", merges(model)}};
}

OrderedJson unigram_model(const SentencePieceModel& model) {
  // The package matches every entry in the text, including "<s>" and "<0x41>"; SentencePiece
  // matches only normal pieces. A score that no path prefers excludes the others.
  constexpr double kNeverChosen = -10000;
  OrderedJson::array_t vocabulary;
  size_t unknown = 0;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    const bool in_text = piece.type == Type::kNormal || piece.type == Type::kUserDefined;
    if (piece.type == Type::kUnknown) unknown = id;
    vocabulary.push_back(
        OrderedJson::array({piece.text, in_text ? double{piece.score} : kNeverChosen}));
  }
  unknown_piece(model);
  return {{"type", "Unigram"},
          {"unk_id", unknown},
          {"vocab", vocabulary},
          {"byte_fallback", model.byte_fallback}};
}

}  // namespace

size_t leading_spaces_dropped(const SentencePieceModel& model) {
  constexpr size_t kAll = 65536;
  return model.remove_extra_whitespaces ? kAll : model.add_dummy_prefix ? 1 : 0;
}

TokenizerJson sentencepiece_to_json(const SentencePieceModel& model) {
  TokenizerJson json;
  json.normalizer = normalizer(model);
  json.decoder = decoder(model);
  json.model = model.algorithm == SentencePieceModel::Algorithm::kBpe ? bpe_model(model)
                                                                      : unigram_model(model);
  return json;
}

std::vector<AddedToken> added_tokens_of(const SentencePieceModel& model) {
  std::vector<AddedToken> tokens;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    const bool special = piece.type == Type::kControl || piece.type == Type::kUnknown;
    if (special || piece.type == Type::kUserDefined) {
      tokens.push_back({static_cast<int32_t>(id), piece.text, special});
    }
  }
  return tokens;
}

bool describes_sentencepiece(const nlohmann::json& tokenizer_json,
                             const SentencePieceModel& model) {
  const auto equal = [&](const char* name, const OrderedJson& expected) {
    return tokenizer_json.value(name, nlohmann::json()) == nlohmann::json(expected);
  };
  const nlohmann::json pieces = tokenizer_json.at("model").value("vocab", nlohmann::json());
  if (pieces.size() != model.pieces.size()) return false;
  const TokenizerJson expected = sentencepiece_to_json(model);
  return equal("normalizer", expected.normalizer) &&
         equal("pre_tokenizer", expected.pre_tokenizer) && equal("decoder", expected.decoder) &&
         equal("model", expected.model);
}

}  // namespace zoo
