#include "tokenizers/auto/source_vocabulary.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <unordered_map>

#include "base/base64.h"
#include "tokenizers/families/bert_files.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;
using Type = SentencePieceModel::Type;

json entry(const json& document, const char* name) { return document.value(name, json()); }

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// A merge for every way to split a piece into two pieces, in the order of the piece's id, shorter
/// left halves first.
json merges_by_id(const std::vector<SentencePieceModel::Piece>& pieces) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < pieces.size(); ++id) ids[pieces[id].text] = id;
  std::vector<std::tuple<size_t, size_t, size_t>> found;  // whole, characters and bytes of the left
  for (const auto& [text, id] : ids) {
    for (size_t cut = utf8::first(text).size; cut < text.size();
         cut += utf8::first(text.substr(cut)).size) {
      const std::string_view left = text.substr(0, cut);
      if (ids.contains(left) && ids.contains(text.substr(cut))) {
        found.emplace_back(id, characters(left), cut);
      }
    }
  }
  std::sort(found.begin(), found.end());
  json::array_t merges;
  merges.reserve(found.size());
  for (const auto& [id, length, cut] : found) {
    const std::string& text = pieces[id].text;
    merges.push_back(json::array({text.substr(0, cut), text.substr(cut)}));
  }
  return merges;
}

/// The first Precompiled normalizer: the only one that classes take from the file.
std::string charsmap_of(const json& normalizer) {
  if (!normalizer.is_object()) return {};
  const std::string type = normalizer.value("type", "");
  if (type == "Precompiled") {
    const json map = entry(normalizer, "precompiled_charsmap");
    return map.is_string() ? map.get<std::string>() : std::string();
  }
  if (type != "Sequence") return {};
  for (const json& step : entry(normalizer, "normalizers")) {
    if (step.is_object() && step.value("type", "") == "Precompiled") return charsmap_of(step);
  }
  return {};
}

}  // namespace

SourceVocabulary vocabulary_of_json(const json& tokenizer_json) {
  const json& model = tokenizer_json.at("model");
  return {.vocab = entry(model, "vocab"),
          .merges = entry(model, "merges"),
          .charsmap = charsmap_of(entry(tokenizer_json, "normalizer")),
          .post_processor = entry(tokenizer_json, "post_processor"),
          .padding = entry(tokenizer_json, "padding")};
}

SourceVocabulary vocabulary_of_model(std::string_view bytes, bool numbered) {
  const SentencePieceModel model = parse_sentencepiece_model(bytes);
  SourceVocabulary out{.charsmap = encode_base64(model.precompiled_charsmap), .from_model = true};
  out.byte_fallback = model.byte_fallback;
  out.unk_id = model.unk_id;
  out.unk_piece = model.unk_piece;
  out.begin_and_end = {model.bos_id < 0 ? "" : model.bos_piece,
                       model.eos_id < 0 ? "" : model.eos_piece};
  out.vocab = numbered ? json::object() : json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencePieceModel::Piece& piece = model.pieces[id];
    if (numbered) {
      out.vocab[piece.text] = id;
    } else {
      out.vocab.push_back(json::array({piece.text, double{piece.score}}));
    }
    if (piece.type != Type::kControl && piece.type != Type::kUserDefined) continue;
    out.reserved.push_back(
        {.text = piece.text, .special = piece.type == Type::kControl, .normalized = false});
  }
  if (numbered) out.merges = merges_by_id(model.pieces);
  return out;
}

bool model_is_bpe(std::string_view model) {
  return parse_sentencepiece_model(model).algorithm != SentencePieceModel::Algorithm::kUnigram;
}

SourceVocabulary vocabulary_of_merges(std::string_view vocab_json, std::string_view merges_txt) {
  SourceVocabulary out;
  std::tie(out.vocab, out.merges) = read_byte_bpe_files(vocab_json, merges_txt);
  return out;
}

SourceVocabulary vocabulary_of_lines(std::string_view vocab_txt) {
  return {.vocab = read_vocab_txt(vocab_txt)};
}

}  // namespace zoo
