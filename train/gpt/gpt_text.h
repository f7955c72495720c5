// A text as token ids for train_gpt: encoded once, stored in the run folder.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "tokenizers/tokenizer.h"
#include "train/gpt/gpt_task.h"
#include "train/program/train_command.h"

namespace zoo {

/// Whether the path names ids, not text: "*.tokens".
bool is_token_stream(const std::filesystem::path& path);

/// Encodes the text of a new run to folder/text.tokens, unless it is a token stream already. Throws
/// std::runtime_error for text that cannot be read or encoded.
void encode_new_text(const std::string& data, const Tokenizer& tokenizer,
                     const std::filesystem::path& run_folder);
/// That text. Throws std::runtime_error for a token stream that another tokenizer made.
TextSplit open_new_text(const std::string& data, const Tokenizer& tokenizer,
                        double validation_share, const std::filesystem::path& run_folder);

/// The text of a resumed run or of a checkpoint to evaluate: as the run encoded it, unless --data
/// names another.
TextSplit open_text(const std::string& data, const Tokenizer& tokenizer, double validation_share,
                    const TrainCommand& command);

}  // namespace zoo
