// A checkpoint folder for tests of programs that look into a model: a small GPT of letters, whose
// random weights are large enough that its heads differ.
#pragma once
#include <filesystem>

#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tokenizers/character.h"

namespace zoo::testing {

/// A space and the letters a to j: 14 ids with the special ones.
inline CharacterTokenizer letters() {
  return CharacterTokenizer(U" abcdefghij", {.sequence = true});
}

/// Makes the folder.
inline void save_letter_gpt(const std::filesystem::path& folder, const SpecialIds& special = {}) {
  GptOptions o = GptOptions::tiny();
  o.layers = 2;
  o.d_model = 16;
  o.vocab_size = letters().vocab_size();
  o.context = 16;
  o.init_std = 0.5;
  std::filesystem::create_directory(folder);
  save_gpt(Gpt(o), folder, special);
  letters().save(folder);
}

}  // namespace zoo::testing
