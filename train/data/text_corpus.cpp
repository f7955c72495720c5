#include "train/data/text_corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "base/interrupt.h"
#include "base/text_file.h"
#include "tokenizers/text/utf8.h"
#include "tokenizers/training/training_text.h"
#include "train/data/token_stream.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {
constexpr size_t kPiece = size_t{1} << 20;  // bytes encoded at once: many lines

/// Where a piece begins in its file.
struct Position {
  size_t bytes = 0, lines = 0;
};

Position after(Position position, std::string_view piece) {
  position.bytes += piece.size();
  position.lines += static_cast<size_t>(std::count(piece.begin(), piece.end(), '\n'));
  return position;
}

bool knows(const Tokenizer& tokenizer, std::string_view text) {
  try {
    tokenizer.ids(text);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

/// Where the first character is that the tokenizer refuses even alone; nothing where it has another
/// reason.
std::optional<size_t> refused_character(const Tokenizer& tokenizer, std::string_view piece) {
  for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    end = std::min(piece.find('\n', begin), piece.size() - 1) + 1;
    if (knows(tokenizer, piece.substr(begin, end - begin))) continue;
    for (size_t at = begin; at < end; at += utf8::first(piece.substr(at)).size) {
      if (!knows(tokenizer, piece.substr(at, utf8::first(piece.substr(at)).size))) return at;
    }
  }
  return {};
}

/// The tokenizer's refusal of a piece, with its position in the file.
[[noreturn]] void refuse(const fs::path& file, Position position, std::string_view piece,
                         const Tokenizer& tokenizer, std::string what) {
  if (const auto at = refused_character(tokenizer, piece)) {
    position = after(position, piece.substr(0, *at));
    what = fmt::format(
        "{} is not in the {} tokenizer's vocabulary of {}; replace it in the text, or use a "
        "tokenizer trained on text that has it (a model that is trained further keeps its own)",
        utf8::describe(utf8::first(piece.substr(*at)).code), tokenizer.kind(),
        tokenizer.vocab_size());
  }
  throw std::runtime_error(fmt::format("{} line {} (byte {}): {}", file.string(),
                                       position.lines + 1, position.bytes, what));
}

std::vector<int32_t> encode_piece(const fs::path& file, const Position& position,
                                  std::string_view piece, const Tokenizer& tokenizer) {
  try {
    return tokenizer.ids(piece);
  } catch (const std::runtime_error& e) {
    refuse(file, position, piece, tokenizer, e.what());
  }
}

}  // namespace

std::vector<fs::path> text_files(const fs::path& path) {
  if (!fs::exists(path)) {
    throw std::runtime_error(fmt::format(
        "no data at '{}'; name a text file or folder with --data, or run scripts/get_data.sh",
        path.string()));
  }
  if (fs::is_regular_file(path)) return {path};
  if (!fs::is_directory(path)) {
    throw std::runtime_error(
        fmt::format("'{}' is neither a file nor a folder; the text is read more than once: save it "
                    "to a file first",
                    path.string()));
  }
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(path); entry != fs::end(entry); ++entry) {
    const bool own = !is_system_name(entry->path());
    if (!own && entry->is_directory()) entry.disable_recursion_pending();
    if (own && entry->is_regular_file()) files.push_back(entry->path());
  }
  if (files.empty()) {
    throw std::runtime_error(
        fmt::format("folder '{}' holds no files (hidden ones do not count)", path.string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void encode_text(const std::vector<fs::path>& files, const Tokenizer& tokenizer,
                 const fs::path& out,
                 const std::function<void(int64_t done, int64_t total)>& progress) {
  int64_t total = 0;
  for (const auto& file : files) total += static_cast<int64_t>(fs::file_size(file));
  if (total == 0)
    throw std::runtime_error(
        fmt::format("'{}' is empty: there is nothing to learn from", files.front().string()));
  const InterruptGuard interrupt;
  TokenStreamWriter writer(out, static_cast<uint64_t>(tokenizer.vocab_size()),
                           fingerprint(tokenizer));
  int64_t done = 0;
  if (progress) progress(done, total);
  for (const auto& file : files) {
    if (fs::file_size(file) == 0) continue;
    TrainingText text({file}, TrainingText::Pieces::kBlocks, kPiece);
    Position position;
    for (std::string piece; text.next(piece); position = after(position, piece)) {
      stop_if_interrupted("encoding the text");
      writer.append(encode_piece(file, position, piece, tokenizer), piece.size());
      done += static_cast<int64_t>(piece.size());
      if (progress) progress(done, total);
    }
  }
  stop_if_interrupted("encoding the text");
  writer.finish();
}

}  // namespace zoo
