#include "train/data/text_corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/interrupt.h"
#include "app/progress_bar.h"
#include "tokenizers/training/training_text.h"
#include "train/data/token_stream.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {
constexpr size_t kPiece = size_t{1} << 20;  // bytes encoded at once: many lines

}  // namespace

std::vector<fs::path> text_files(const fs::path& path) {
  if (!fs::exists(path)) {
    throw std::runtime_error(fmt::format(
        "no data at '{}'; name a text file or folder with --data, or run scripts/get_data.sh",
        path.string()));
  }
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  if (files.empty())
    throw std::runtime_error(fmt::format("folder '{}' holds no files", path.string()));
  std::sort(files.begin(), files.end());
  return files;
}

void encode_text(const std::vector<fs::path>& files, const Tokenizer& tokenizer,
                 const fs::path& out) {
  int64_t total = 0;
  for (const auto& file : files) total += static_cast<int64_t>(fs::file_size(file));
  if (total == 0)
    throw std::runtime_error(
        fmt::format("'{}' is empty: there is nothing to learn from", files.front().string()));
  const InterruptGuard interrupt;
  TokenStreamWriter writer(out, static_cast<uint64_t>(tokenizer.vocab_size()),
                           fingerprint(tokenizer));
  ProgressBar bar("encoding the text", total);
  TrainingText text(files, TrainingText::Pieces::kBlocks, kPiece);
  for (std::string piece; text.next(piece);) {
    if (InterruptGuard::requested())
      throw std::runtime_error("interrupted while encoding the text; nothing was kept");
    writer.append(tokenizer.ids(piece), piece.size());
    bar.update(static_cast<int64_t>(text.bytes()), "");
  }
  writer.finish();
  bar.finish();
}

}  // namespace zoo
