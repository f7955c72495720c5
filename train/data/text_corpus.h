// From text files to a token stream on disk.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// `path` itself, or, where it is a folder, the regular files in it and below, sorted by path,
/// without what systems keep there (is_system_name()).
/// Throws std::runtime_error: nothing there, a pipe or device, or a folder without files.
std::vector<std::filesystem::path> text_files(const std::filesystem::path& path);

/// Encodes the files one after the other into a token stream at `out`, a megabyte at a time (cut at
/// line ends). `progress` is told how many of how many bytes are done, first 0. Throws
/// std::runtime_error, naming the file and the position in it, for empty, binary (zero bytes) or
/// not UTF-8 text and for what the tokenizer does not know; Interrupted where a signal came.
void encode_text(const std::vector<std::filesystem::path>& files, const Tokenizer& tokenizer,
                 const std::filesystem::path& out,
                 const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace zoo
