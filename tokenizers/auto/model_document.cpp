// The generic class with a SentencePiece model and no tokenizer.json.
#include <stdexcept>
#include <utility>

#include "tokenizers/auto/auto_document.h"
#include "tokenizers/auto/finish_document.h"
#include "tokenizers/auto/folder_tokens.h"
#include "tokenizers/auto/sentencepiece_stages.h"

namespace zoo {
namespace {

using namespace sentencepiece_stages;
using nlohmann::json;

/// A piece whose id the files give to another token gets that token's text.
void rename_pieces(const TokenizerSettings& settings, SourceVocabulary& source) {
  for (const auto& [id, token] : settings.added) {
    for (auto piece = source.vocab.begin(); piece != source.vocab.end(); ++piece) {
      if (*piece != id) continue;
      if (!source.vocab.contains(token.text)) {
        source.vocab.erase(piece);
        source.vocab[token.text] = id;
      }
      break;
    }
  }
}

ClassParts model_parts(SourceVocabulary& source, bool bpe) {
  json::array_t normalizers, decoders = {replace(kMark, " ")};
  if (!source.charsmap.empty()) {
    normalizers.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", source.charsmap}});
  }
  normalizers.push_back(replace(" ", kMark));
  if (source.byte_fallback) {
    decoders.push_back(stage("ByteFallback"));
    decoders.push_back(stage("Fuse"));
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
  return parts;
}

}  // namespace

AutoDocument model_document(TokenizerSettings settings, std::string_view model) {
  const bool bpe = model_is_bpe(model);
  SourceVocabulary source = vocabulary_of_model(model, bpe);
  settings.additional = source.reserved;
  if (!bpe && !settings.added.empty()) {
    throw std::runtime_error(
        "added tokens beside a unigram .model need a tokenizer_class that supports "
        "them, or a tokenizer.json");
  }
  rename_pieces(settings, source);
  const char* const roles[] = {"bos_token", "eos_token"};
  for (size_t i = 0; i < 2; ++i) {
    const std::string& piece = source.begin_and_end[i];
    if (!piece.empty()) settings.roles.emplace(roles[i], TokenSpec::of(piece));
  }
  if (source.unk_id >= 0) settings.roles.emplace("unk_token", TokenSpec::of(source.unk_piece));
  const ClassParts parts = model_parts(source, bpe);
  const ModelIds ids(parts.model.at("vocab"));
  return finish_document(parts, source, std::move(settings), ids.added());
}

}  // namespace zoo
