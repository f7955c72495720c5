// The regular expressions that split a text into words for byte-level BPE, by name.
#pragma once
#include <string_view>
#include <vector>

#include "tokenizers/text/regex.h"

namespace zoo {

/// As published for the `tokenizers` package (Oniguruma's dialect). Names: gpt2 (also r50k and
/// p50k), cl100k (also llama3), o200k, qwen2, clip. Throws std::invalid_argument for another name,
/// with a list of the names.
std::string_view split_pattern(std::string_view name);

/// The forms that `tiktoken` uses for speed (Rust's dialect), for gpt2, cl100k and o200k. They
/// split like those above, except that cl100k's keeps spaces at the end of a text together with the
/// line feeds before them; no piece of its vocabulary shows the difference.
std::string_view tiktoken_pattern(std::string_view name);

/// All names of split_pattern, aliases included.
std::vector<std::string_view> split_pattern_names();

}  // namespace zoo
