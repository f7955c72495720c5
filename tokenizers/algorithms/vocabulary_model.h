// The common part of models whose pieces are a plain list.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/algorithms/vocabulary.h"

namespace zoo {

class VocabularyModel : public SubwordModel {
 public:
  int32_t vocab_size() const final { return vocabulary_.size(); }
  int32_t piece_count() const final { return vocabulary_.piece_count(); }
  const std::string& piece_of(int32_t id) const final { return vocabulary_.piece_of(id); }
  std::optional<int32_t> id_of(std::string_view piece) const final {
    return vocabulary_.id_of(piece);
  }
  std::optional<int32_t> unk_id() const final { return unk_id_; }

 protected:
  VocabularyModel(Vocabulary vocabulary, const std::optional<std::string>& unk_token)
      : vocabulary_(std::move(vocabulary)),
        unk_id_(unk_token ? vocabulary_.id_of(*unk_token) : std::nullopt) {}

  const Vocabulary vocabulary_;
  const std::optional<int32_t> unk_id_;
};

}  // namespace zoo
