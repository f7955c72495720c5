// Encodes text files into a token stream on disk.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// `path` itself or, if it is a folder, all regular files below it, sorted by path, without system
/// files (is_system_name()). Throws std::runtime_error: nothing there, a pipe or device, or a
/// folder without files.
std::vector<std::filesystem::path> text_files(const std::filesystem::path& path);

/// Encodes the files in order into a token stream at `out`, a megabyte at a time (split at line
/// ends). Calls `progress` with the bytes done and in total, first with 0. Throws
/// std::runtime_error, naming the file and the position in it, for empty files, binary files (zero
/// bytes), invalid UTF-8, and text that the tokenizer cannot encode; Interrupted after a signal.
void encode_text(const std::vector<std::filesystem::path>& files, const Tokenizer& tokenizer,
                 const std::filesystem::path& out,
                 const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace zoo
