// A decoder-only model and its tokenizer from one folder, for `generate` and `attention_map`.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infer/model_choice.h"
#include "infer/text_model.h"
#include "models/gpt/gpt.h"
#include "models/gpt/length_options.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct LanguageModel : TextModel<Gpt> {
  std::vector<int64_t> eos_ids =
      {};                           ///< what ends a text, by generation_config.json or config.json
  std::optional<int64_t> bos = {};  ///< what an empty prompt starts from, by the same file
  std::string prefix = {};          ///< text that stands before every prompt (config.json)
};

/// Uses all cores by default, but one for models below 10 million weights. `head_optional`: accepts
/// a checkpoint without output layer. Throws UsageError for an unknown kernel; else one line that
/// names the folder and the error.
LanguageModel load_language_model(const ModelChoice& choice, bool head_optional = false,
                                  const LengthOptions& lengths = {});

/// The prompt's ids, at least one. `add_special`: with the tokenizer's template, as in the
/// reference's text-generation pipeline. A prompt without ids becomes `bos`, or start_id(). Throws
/// std::runtime_error for a text that the vocabulary cannot express.
std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text,
                                   bool add_special = true, std::optional<int64_t> bos = {});

/// The first token of a text without a prompt: the beginning-of-text token; without one the
/// end-of-text token, which separates texts in GPT-2's training data; without either a line feed.
/// Throws std::runtime_error if there is none.
int32_t start_id(const Tokenizer& tokenizer);

}  // namespace zoo
