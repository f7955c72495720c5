// Creates the model described by a tokenizer.json's "model".
#include "tokenizers/algorithms/subword_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/algorithms/unigram.h"
#include "tokenizers/algorithms/vocabulary_model.h"
#include "tokenizers/algorithms/wordpiece.h"
#include "tokenizers/stages/json_fields.h"

namespace zoo {
namespace {

using nlohmann::json;

/// Each word is one piece, or unknown.
class WordLevelModel final : public VocabularyModel {
 public:
  WordLevelModel(Vocabulary vocabulary, const std::string& unk_token)
      : VocabularyModel(std::move(vocabulary), unk_token) {}

  /// Throws std::runtime_error for an unknown word if there is no unk_token.
  void encode(std::string_view word, std::vector<int32_t>& ids,
              std::vector<size_t>* ends) const override {
    if (word.empty()) return;
    const auto id = vocabulary_.id_of(word);
    if (!id && !unk_id_) {
      throw std::runtime_error("WordLevel: a word is not in the vocabulary, nor is the unk_token");
    }
    ids.push_back(id ? *id : *unk_id_);
    if (ends != nullptr) ends->push_back(word.size());
  }
};

}  // namespace

std::string type_of_model(const json& model) {
  fields::check_object(model, "model");
  if (const auto type = fields::optional_text(model, "type", "model")) return *type;
  const auto has = [&](const char* key, json::value_t type) {
    const auto found = model.find(key);
    return found != model.end() && found->type() == type;
  };
  const bool numbered = has("vocab", json::value_t::object);
  if (numbered && has("merges", json::value_t::array)) return "BPE";
  if (numbered && has("unk_token", json::value_t::string)) {
    const bool pieces = has("continuing_subword_prefix", json::value_t::string) &&
                        model.contains("max_input_chars_per_word");
    return pieces ? "WordPiece" : "WordLevel";
  }
  if (has("vocab", json::value_t::array)) return "Unigram";
  throw std::runtime_error(
      "the model has no \"type\", and its keys tell none: expected merges (BPE), an unk_token "
      "(WordPiece, WordLevel) or a list of pieces and scores (Unigram)");
}

std::unique_ptr<SubwordModel> make_subword_model(const json& model, bool byte_level) {
  const std::string type = type_of_model(model);
  if (type == "BPE") return make_bpe_model(model, byte_level);
  if (byte_level) {
    throw std::runtime_error(fmt::format(
        "the pre_tokenizer makes bytes of words, which needs a BPE model, not {}", type));
  }
  if (type == "WordPiece") return make_wordpiece_model(model);
  if (type == "Unigram") return make_unigram_model(model);
  if (type == "WordLevel") {
    return std::make_unique<WordLevelModel>(
        Vocabulary(fields::required(model, "vocab", "WordLevel"), "WordLevel"),
        fields::text(model, "unk_token", "WordLevel"));
  }
  throw std::runtime_error(
      fmt::format("unknown model '{}'; known: BPE, WordPiece, Unigram, WordLevel", type));
}

}  // namespace zoo
