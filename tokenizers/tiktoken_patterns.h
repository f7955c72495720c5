// The regular expressions by which byte-level BPE tokenizers cut a text into words, by name.
#pragma once
#include <string_view>
#include <vector>

#include "tokenizers/text/regex.h"

namespace zoo {

/// As published for the `tokenizers` package (Oniguruma's dialect). Names: gpt2 (also r50k and
/// p50k), cl100k (also llama3), o200k, qwen2, clip. Throws std::invalid_argument for another name,
/// and lists the known.
std::string_view split_pattern(std::string_view name);

/// The forms that `tiktoken` uses for speed (Rust's dialect), for gpt2, cl100k and o200k. They cut
/// as those above, but that cl100k's leaves spaces at the end of a text in one word with the line
/// feeds before them; its vocabulary has no piece that would show it.
std::string_view tiktoken_pattern(std::string_view name);

/// All names of split_pattern, aliases included.
std::vector<std::string_view> split_pattern_names();

}  // namespace zoo
