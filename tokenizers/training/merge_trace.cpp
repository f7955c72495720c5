#include "tokenizers/training/merge_trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace zoo {
namespace {

constexpr size_t kMostWords = 12;

std::string spell(const BpeTrainer& trainer, size_t word, const char* between) {
  std::string text;
  for (const uint32_t id : trainer.word(word)) {
    text += text.empty() ? "" : between;
    text += trainer.pieces()[id];
  }
  return text;
}

}  // namespace

MergeTrace::MergeTrace(const BpeTrainer& trainer, int64_t merges, TraceLine line)
    : trainer_(trainer), merges_(merges), line_(std::move(line)) {
  for (size_t i = 0; i < trainer.words() && words_.size() <= kMostWords; ++i) {
    if (trainer.word(i).size() > 1) words_.push_back(i);
  }
  if (words_.size() > kMostWords) words_.clear();
  std::sort(words_.begin(), words_.end(),
            [&](size_t a, size_t b) { return spell(trainer, a, "") < spell(trainer, b, ""); });
  if (merges_ > 0) print_words();
}

void MergeTrace::add(const BpeMerge& merge) {
  if (done()) return;
  ++traced_;
  const auto& pieces = trainer_.pieces();
  const size_t width = std::to_string(merges_).size();
  line_(fmt::format("{:>{}}  {} {} -> {} ({})", traced_, width, pieces[merge.left],
                    pieces[merge.right], pieces[merge.made], merge.count));
  print_words();
}

void MergeTrace::print_words() const {
  if (words_.empty()) return;
  std::string text(std::to_string(merges_).size() + 2, ' ');
  for (const size_t word : words_) {
    text += fmt::format("{}{} ({})", word == words_.front() ? "" : "   ",
                        spell(trainer_, word, " "), trainer_.word_count(word));
  }
  line_(text);
}

}  // namespace zoo
