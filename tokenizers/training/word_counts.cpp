#include "tokenizers/training/word_counts.h"

#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {

// ---- Counts
void WordCounts::grow() {
  if (words_.size() >= std::numeric_limits<uint32_t>::max() - 1) {
    throw std::runtime_error(
        "the text has more than 4 billion different words; train on a part of it");
  }
  const size_t size = table_.empty() ? 256 : 2 * table_.size();
  table_.assign(size, 0);
  for (size_t i = 0; i < words_.size(); ++i) {
    size_t at = words_[i].hash & (size - 1);
    while (table_[at] != 0) at = (at + 1) & (size - 1);
    table_[at] = static_cast<uint32_t>(i + 1);
  }
}

void WordCounts::add(std::string_view word, uint64_t count) {
  if (2 * words_.size() >= table_.size()) grow();
  const auto hash = static_cast<uint32_t>(std::hash<std::string_view>()(word));
  size_t at = hash & (table_.size() - 1);
  for (; table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
    Word& known = words_[table_[at] - 1];
    if (known.hash == hash && std::string_view(known.text, known.size) == word) {
      known.count += count;
      return;
    }
  }
  char* const text = texts_.allocate(word.size());
  std::copy(word.begin(), word.end(), text);
  words_.push_back({text, count, static_cast<uint32_t>(word.size()), hash});
  table_[at] = static_cast<uint32_t>(words_.size());
}

void WordCounts::add(const WordCounts& other) {
  for (size_t i = 0; i < other.size(); ++i) add(other.word(i), other.count(i));
}

// ---- Counting
namespace {

/// Number of different words that a thread collects before it adds them to the shared ones: few
/// enough to stay in the cache, many enough to lock rarely.
constexpr size_t kOwnWords = 1 << 16;

class Counting {
 public:
  Counting(TrainingText& text, const Normalizer* normalizer, const PreTokenizer* pre_tokenizer,
           const BytesRead& told)
      : text_(text), normalizer_(normalizer), pre_tokenizer_(pre_tokenizer), told_(told) {}

  WordCounts run(int threads) {
    std::vector<std::thread> others;
    try {
      for (int i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // fewer threads work as well
    }
    work();
    for (std::thread& thread : others) thread.join();
    if (error_) std::rethrow_exception(error_);
    return std::move(all_);
  }

 private:
  bool next_block(std::string& block) {
    const std::lock_guard lock(reading_);
    try {
      if (error_ || !text_.next(block)) return false;
    } catch (...) {  // stored before another thread reads on and finds another error
      error_ = std::current_exception();
      return false;
    }
    if (told_) told_(text_.bytes());
    return true;
  }

  void work() {
    try {
      WordCounts own;
      for (std::string block; next_block(block);) {
        for (std::string_view rest = block; !rest.empty();) {
          const size_t line = std::min(rest.find('\n'), rest.size() - 1) + 1;
          count_line(rest.substr(0, line), own);
          rest.remove_prefix(line);
        }
        if (own.size() >= kOwnWords) hand_over(own);
      }
      hand_over(own);
    } catch (...) {
      const std::lock_guard lock(reading_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void count_line(std::string_view line, WordCounts& own) const {
    PreTokens pre{.text = AlignedText(line, 0, /*tracked=*/false), .words = {}};
    if (normalizer_ != nullptr) normalizer_->apply(pre.text);
    if (pre.text.text().empty()) return;
    pre.words = {{0, pre.text.text().size()}};
    if (pre_tokenizer_ != nullptr) pre_tokenizer_->apply(pre);
    const std::string_view all = pre.text.text();
    for (const Span& word : pre.words) own.add(all.substr(word.begin, word.end - word.begin));
  }

  void hand_over(WordCounts& own) {
    {
      const std::lock_guard lock(adding_);
      all_.add(own);
    }
    own = WordCounts();
  }

  TrainingText& text_;
  const Normalizer* normalizer_;
  const PreTokenizer* pre_tokenizer_;
  const BytesRead& told_;
  std::mutex reading_, adding_;
  std::exception_ptr error_;  // the first; guarded by reading_
  WordCounts all_;            // guarded by adding_
};

}  // namespace

WordCounts count_words(TrainingText& text, const Normalizer* normalizer,
                       const PreTokenizer* pre_tokenizer, int threads, const BytesRead& told) {
  return Counting(text, normalizer, pre_tokenizer, told).run(threads);
}

}  // namespace zoo
