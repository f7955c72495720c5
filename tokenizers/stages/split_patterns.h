// The regular expressions with which byte-level BPE splits a text into words, by name.
#pragma once
#include <string_view>
#include <vector>

#include "tokenizers/text/regex.h"

namespace zoo {

/// As published for the `tokenizers` package (Oniguruma's dialect). Names: gpt2 (also r50k and
/// p50k), cl100k (also llama3), o200k, qwen2, clip. Throws std::invalid_argument for others, with a
/// list of the names.
std::string_view split_pattern(std::string_view name);

/// All names accepted by split_pattern, including aliases.
std::vector<std::string_view> split_pattern_names();

}  // namespace zoo
