// A decoder-only model and its tokenizer out of one folder, ready to read prompts: what `generate`
// and `attention_map` begin with.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/gpt.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct LanguageModelOptions {
  std::filesystem::path model = {};  ///< a run's folder or a checkpoint's
  std::string device = "auto";
  int64_t threads = 0;         ///< 0: all cores, but one for small models
  std::string attention = {};  ///< kernel; empty: the one that the checkpoint names
  bool head_optional =
      false;  ///< a checkpoint without output layer will do; no command-line option
};

/// Adds --model (required), --device, --threads and --attention.
void add_language_model_options(CLI::App& app, LanguageModelOptions& options);

struct LanguageModel {
  Gpt model{nullptr};  ///< in evaluation mode
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<int64_t> eos_ids;  ///< what ends a text, by config.json and by the tokenizer
};

/// Throws UsageError for an unknown kernel; else one line that names the folder and what is wrong
/// with it.
LanguageModel load_language_model(const LanguageModelOptions& options);

/// The prompt's ids, at least one. `add_special`: the beginning-of-text token comes first where the
/// tokenizer's template says so. A prompt without ids becomes start_id(). Throws std::runtime_error
/// for a text that the vocabulary cannot express.
std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text,
                                   bool add_special = true);

/// What a text from nothing starts with: the beginning-of-text token; without one the end-of-text
/// token, which separates texts in GPT-2's training data; without either a line feed. Throws
/// std::runtime_error where there is none.
int32_t start_id(const Tokenizer& tokenizer);

}  // namespace zoo
