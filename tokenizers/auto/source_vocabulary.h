// The vocabulary from which a class builds its tokenizer, from any of its file formats.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/auto/token_spec.h"

namespace zoo {

struct SourceVocabulary {
  nlohmann::json vocab = {};   ///< {"piece": id} or [["piece", score], ...]
  nlohmann::json merges = {};  ///< [["a", "b"], ...]; null if the file has none
  std::string charsmap = {};   ///< SentencePiece's normalisation in Base64; empty: none
  // Of a tokenizer.json only:
  nlohmann::json post_processor = {}, padding = {};
  // Of a .model only:
  bool from_model = false;
  bool byte_fallback = false;
  int64_t unk_id = 0;
  std::string unk_piece = "<unk>";
  /// Its bos and eos pieces; empty texts where it has none.
  std::vector<std::string> begin_and_end = {};
  std::vector<TokenSpec> reserved = {};  ///< control and user-defined pieces
};

/// From a whole tokenizer.json.
SourceVocabulary vocabulary_of_json(const nlohmann::json& tokenizer_json);
/// From the bytes of a SentencePiece .model. numbered: as {"piece": id} with the merges
/// implied by the order of the ids, for BPE classes. Throws std::runtime_error.
SourceVocabulary vocabulary_of_model(std::string_view model, bool numbered);
/// Whether the .model's own algorithm is BPE.
bool model_is_bpe(std::string_view model);
/// From the texts of vocab.json and merges.txt.
SourceVocabulary vocabulary_of_merges(std::string_view vocab_json, std::string_view merges_txt);
/// From the text of a vocab.txt.
SourceVocabulary vocabulary_of_lines(std::string_view vocab_txt);

}  // namespace zoo
