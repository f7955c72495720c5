// Reads a tokenizer.json's "model".
#include "tokenizers/algorithms/subword_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/algorithms/unigram.h"
#include "tokenizers/algorithms/vocabulary_model.h"
#include "tokenizers/algorithms/wordpiece.h"
#include "tokenizers/json_fields.h"

namespace zoo {
namespace {

using nlohmann::json;

/// Every word is a piece, or unknown.
class WordLevelModel final : public VocabularyModel {
 public:
  WordLevelModel(Vocabulary vocabulary, const std::string& unk_token)
      : VocabularyModel(std::move(vocabulary), unk_token) {}

  /// Throws std::runtime_error for an unknown word where there is no unk_token.
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

/// Files from before tokenizers 0.10 do not say it.
std::string type_of(const json& model) {
  fields::check_object(model, "model");
  if (const auto type = fields::optional_text(model, "type", "model")) return *type;
  if (model.contains("merges")) return "BPE";
  if (model.contains("vocab") && model["vocab"].is_array()) return "Unigram";
  if (model.contains("max_input_chars_per_word")) return "WordPiece";
  return "WordLevel";
}

}  // namespace

std::unique_ptr<SubwordModel> make_subword_model(const json& model, bool byte_level) {
  const std::string type = type_of(model);
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
