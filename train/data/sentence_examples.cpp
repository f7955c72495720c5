// Sentences are taken in order until a sequence is full; of pairs, the sequence is cut in two
// between sentences.
#include "train/data/sentence_examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "base/interrupt.h"
#include "tokenizers/training/training_text.h"

namespace zoo {
namespace {

/// Ids with their words' numbers.
struct Tokens {
  std::vector<int32_t> ids, words;
  size_t size() const { return ids.size(); }
  /// Another text's tokens: their words get numbers of their own.
  void add(const Tokens& more) {
    const int32_t next = words.empty() ? 0 : words.back() + 1;
    ids.insert(ids.end(), more.ids.begin(), more.ids.end());
    for (const int32_t word : more.words) words.push_back(next + word);
  }
  void add(int32_t id) { add(Tokens{.ids = {id}, .words = {0}}); }
  void cut(size_t longest) {
    ids.resize(std::min(longest, size()));
    words.resize(ids.size());
  }
};

/// Of long sentences, pieces of at most `longest` tokens.
std::vector<Tokens> pieces_of(const Sentences& sentences, int64_t begin, int64_t end,
                              size_t longest) {
  std::vector<Tokens> pieces;
  for (int64_t i = begin; i < end; ++i) {
    const auto ids = sentences.ids.at(i), words = sentences.words.at(i);
    for (size_t at = 0; at < ids.size(); at += longest) {
      const size_t size = std::min(longest, ids.size() - at);
      const auto part = [&](std::span<const int32_t> all) {
        const auto cut = all.subspan(at, size);
        return std::vector<int32_t>(cut.begin(), cut.end());
      };
      pieces.push_back({.ids = part(ids), .words = part(words)});
    }
  }
  return pieces;
}

class Packer {
 public:
  Packer(std::vector<Tokens> pieces, const Tokenizer& tokenizer, const PackingOptions& options)
      : pieces_(std::move(pieces)),
        cls_(*tokenizer.cls_id()),
        sep_(*tokenizer.sep_id()),
        pairs_(options.pairs),
        room_(static_cast<size_t>(options.context) -
              (options.pairs == SentencePairs::kNone ? 2 : 3)),
        random_(options.seed) {}

  SentenceExamples pack() {
    for (size_t begin = 0; begin < pieces_.size();) {
      stop_if_interrupted("packing the sentences");
      const size_t end = end_of_run(begin, room_);
      if (pairs_ == SentencePairs::kNone) {
        add(joined(begin, end), {}, false);
        begin = end;
      } else if (end - begin < 2) {
        ++begin;  // nothing to pair it with: the text ends
      } else {
        begin = add_pair(begin, end);
      }
    }
    return std::move(examples_);
  }

 private:
  /// Pieces from `begin` that fit the room together; one at least.
  size_t end_of_run(size_t begin, size_t room) const {
    size_t end = begin + 1, size = pieces_[begin].size();
    while (end < pieces_.size() && size + pieces_[end].size() <= room)
      size += pieces_[end++].size();
    return end;
  }
  Tokens joined(size_t begin, size_t end) const {
    Tokens all;
    for (size_t i = begin; i < end; ++i) all.add(pieces_[i]);
    return all;
  }
  /// Returns where to go on: sentences that a random B stands for are used again.
  size_t add_pair(size_t begin, size_t end) {
    const size_t middle = begin + 1 + random_() % (end - begin - 1);
    const Tokens a = joined(begin, middle), b = joined(middle, end);
    const bool broken = random_() % 2 == 1;
    if (broken && pairs_ == SentencePairs::kInOrderOrSwapped) {
      add(b, a, true);
    } else if (broken && pieces_.size() > 1) {
      size_t other = random_() % (pieces_.size() - 1);
      if (other >= middle) ++other;  // anywhere but at the true continuation
      Tokens random = joined(other, end_of_run(other, room_ - a.size()));
      random.cut(room_ - a.size());
      add(a, random, true);
      return middle;
    } else {
      add(a, b, false);
    }
    return end;
  }
  void add(const Tokens& a, const Tokens& b, bool broken) {
    Tokens all;
    all.add(cls_);
    all.add(a);
    all.add(sep_);
    examples_.first_part.push_back(static_cast<int64_t>(all.size()));
    if (b.size() > 0) {
      all.add(b);
      all.add(sep_);
    }
    examples_.ids.append(all.ids);
    examples_.words.append(all.words);
    examples_.pair.push_back(broken ? 1 : 0);
  }

  std::vector<Tokens> pieces_;
  int32_t cls_, sep_;
  SentencePairs pairs_;
  size_t room_;  // for text
  std::mt19937_64 random_;
  SentenceExamples examples_;
};

}  // namespace

Sentences read_sentences(const std::vector<std::filesystem::path>& files,
                         const Tokenizer& tokenizer) {
  Sentences sentences;
  const InterruptGuard interrupt;
  TrainingText text(files, TrainingText::Pieces::kLines, size_t{1} << 16);
  for (std::string line; text.next(line);) {
    stop_if_interrupted("encoding the text");
    if (line.ends_with('\r')) line.pop_back();
    const Encoding encoding = tokenizer.encode(line);
    if (encoding.ids.empty()) continue;
    sentences.ids.append(encoding.ids);
    sentences.words.append(encoding.words);
  }
  if (sentences.size() == 0) {
    throw std::runtime_error(
        fmt::format("'{}' has no words: there is nothing to learn from", files.front().string()));
  }
  return sentences;
}

SentenceExamples pack_sentences(const Sentences& sentences, int64_t begin, int64_t end,
                                const Tokenizer& tokenizer, const PackingOptions& options) {
  const bool pairs = options.pairs != SentencePairs::kNone;
  const int64_t longest = pairs ? (options.context - 3) / 2 : options.context - 2;
  return Packer(pieces_of(sentences, begin, end, static_cast<size_t>(longest)), tokenizer, options)
      .pack();
}

}  // namespace zoo
