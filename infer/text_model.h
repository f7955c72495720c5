// A model and the tokenizer of its folder, which must match: for every program that reads texts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// A tokenizer may have more ids than its model's embedding has rows, as in Python: an id beyond
/// them is an error only if a text contains it. Throws std::runtime_error that begins with `what`
/// and names the id, its piece and both sizes, for an id that is `rows` or more.
void check_token_rows(std::span<const int32_t> ids, int64_t rows, const Tokenizer& tokenizer,
                      std::string_view what = "text");

template <class Model>
struct TextModel {
  Model model{nullptr};  ///< in evaluation mode
  std::unique_ptr<Tokenizer> tokenizer = {};
  int64_t vocab_size = 0;  ///< ids that the model reads: rows of its embedding

  /// Throws as check_token_rows().
  void check_ids(std::span<const int32_t> ids) const {
    check_token_rows(ids, vocab_size, *tokenizer);
  }
};

/// The model that `load` returns for the folder, and the folder's tokenizer; `vocab_size` returns
/// the number of ids that the model reads. Throws std::runtime_error with one line.
template <class Load, class VocabSize>
auto load_text_model(const std::filesystem::path& folder, const Load& load,
                     const VocabSize& vocab_size) {
  auto model = load(folder);
  TextModel<decltype(model)> loaded{.vocab_size = vocab_size(*model)};
  loaded.model = std::move(model);
  loaded.tokenizer = load_tokenizer(folder);
  return loaded;
}

}  // namespace zoo
