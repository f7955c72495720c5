#include "train/data/synthetic_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <stdexcept>

#include "base/interrupt.h"
#include "base/option_checks.h"

namespace zoo {
namespace {

constexpr std::string_view kSymbols =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr size_t kDigits = 10;                 // the first of them
constexpr int64_t kMostExamples = 10'000'000;  // all of them stay in memory
constexpr int64_t kMostSymbols = 1'000'000'000;
constexpr uint64_t kParts = 8;  // of all sources one part is for validation

/// FNV-1a with a last mixing, so that sources that differ in their end alone are spread as well.
uint64_t hash(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9 >> 32;
}

int64_t shortest(const SyntheticOptions& o) { return o.min_length > 0 ? o.min_length : o.length; }

bool has_letters_and_digits(SyntheticTask task) {
  return task == SyntheticTask::kNeedle || task == SyntheticTask::kRecall;
}

/// Of `recall`: pairs of a letter and a digit in a text of so many symbols, and questions.
int64_t pairs_in(int64_t length) { return std::max<int64_t>(1, (length + 1) / 5); }

/// The symbols of a task's texts, without those that only one task has.
std::string_view symbols_of(const SyntheticOptions& o) {
  const auto classes = static_cast<size_t>(o.classes);
  if (o.task == SyntheticTask::kAdd) return kSymbols.substr(0, kDigits);
  if (has_letters_and_digits(o.task)) return kSymbols.substr(kDigits, classes);
  return kSymbols.substr(0, classes);
}

std::string draw_symbols(const SyntheticOptions& o, std::mt19937_64& random) {
  const auto lengths = static_cast<uint64_t>(o.length - shortest(o) + 1);
  const auto length = static_cast<uint64_t>(shortest(o)) + random() % lengths;
  const std::string_view symbols = symbols_of(o);
  std::string text;
  for (uint64_t i = 0; i < length; ++i) text += symbols[random() % symbols.size()];
  if (o.task == SyntheticTask::kAdd)  // a number has no leading zeros
    text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  return text;
}

/// Different letters, each with a digit, then as many questions with their answers, except the
/// last one's: associative recall with many queries (Arora et al. 2023, arXiv:2312.04927, section
/// 3.1). With one query a text there is little to learn from. Letters are asked for by chance, as
/// the last could otherwise be told from the others: its digit would be the one that is missing.
std::string draw_recall(const SyntheticOptions& o, int64_t pairs, std::mt19937_64& random) {
  const auto count = static_cast<size_t>(pairs);
  std::string letters(symbols_of(o)), text;
  for (size_t n = 0; n < count; ++n) {
    std::swap(letters[n], letters[n + random() % (letters.size() - n)]);
    text += {letters[n], kSymbols[random() % kDigits]};
  }
  for (size_t n = 0; n < count; ++n) {
    const size_t asked = random() % count;
    text += {kAsks, letters[asked], text[2 * asked + 1]};
  }
  return text.substr(0, text.size() - 1);
}

std::string draw_source(const SyntheticOptions& o, std::mt19937_64& random) {
  const std::string first = draw_symbols(o, random);
  if (o.task == SyntheticTask::kAdd) return first + "+" + draw_symbols(o, random);
  if (o.task == SyntheticTask::kRecall) return draw_recall(o, pairs_in(std::ssize(first)), random);
  if (o.task != SyntheticTask::kNeedle) return first;
  std::string hay = first;
  hay[random() % hay.size()] = kSymbols[random() % kDigits];
  return hay;
}

std::string sum(std::string_view a, std::string_view b) {
  std::string digits;
  int carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    const auto digit = [&](std::string_view n) {
      return i < n.size() ? n[n.size() - 1 - i] - '0' : 0;
    };
    const int total = digit(a) + digit(b) + carry;
    digits += static_cast<char>('0' + total % 10);
    carry = total / 10;
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

/// At most this many different sources are there.
double sources_of(const SyntheticOptions& o) {
  const bool add = o.task == SyntheticTask::kAdd;
  const auto symbols = static_cast<double>(symbols_of(o).size());
  if (o.task == SyntheticTask::kNeedle)
    return static_cast<double>(kDigits * o.length) *
           std::pow(symbols, static_cast<double>(o.length - 1));
  if (o.task == SyntheticTask::kRecall) {
    double sources = 1;
    for (int64_t n = 0; n < pairs_in(o.length); ++n) {
      const auto number = static_cast<double>(n);
      sources *= static_cast<double>(kDigits * pairs_in(o.length)) * (symbols - number);
    }
    return sources;
  }
  return std::pow(symbols, static_cast<double>(add ? 2 * o.length : o.length));
}

}  // namespace

std::vector<std::string_view> task_options() {
  return {"task-classes", "task-length", "task-min-length", "task-examples", "task-validation"};
}

void check(const SyntheticOptions& o) {
  if (o.task == SyntheticTask::kNone) return;
  const int64_t most =
      std::ssize(kSymbols) - (has_letters_and_digits(o.task) ? int64_t{kDigits} : 0);
  require_option(o.classes >= 1 && o.classes <= most, "task-classes", o.classes,
                 fmt::format("1 to {}", most));
  require_option(o.length >= 1, "task-length", o.length, "1 or more");
  if (o.task == SyntheticTask::kRecall) {
    require_option(pairs_in(o.length) <= o.classes, "task-length", o.length,
                   fmt::format("at most {}, as no letter of --task-classes {} comes twice",
                               5 * o.classes + 3, o.classes));
  }
  require_option(o.min_length >= 0 && o.min_length <= o.length, "task-min-length", o.min_length,
                 fmt::format("0 to --task-length {}", o.length));
  require_option(o.examples >= 1 && o.examples <= kMostExamples, "task-examples", o.examples,
                 fmt::format("1 to {}", kMostExamples));
  require_option(o.validation >= 0, "task-validation", o.validation, "0 or more");
  require_option(o.length <= kMostSymbols / std::max(o.examples, o.validation), "task-length",
                 o.length,
                 fmt::format("so that all examples have {} symbols at most", kMostSymbols));
  const double room = sources_of(o) / static_cast<double>(2 * kParts);
  require_option(static_cast<double>(o.validation) <= room, "task-validation", o.validation,
                 fmt::format("at most {:.0f}, a part of the task's {:.0f} different sources",
                             std::floor(room), sources_of(o)));
}

std::u32string synthetic_alphabet(const SyntheticOptions& o) {
  const std::string_view symbols = symbols_of(o), digits = kSymbols.substr(0, kDigits);
  std::u32string alphabet(symbols.begin(), symbols.end());
  if (o.task == SyntheticTask::kAdd) return U"+" + alphabet;
  if (has_letters_and_digits(o.task))
    alphabet.insert(0, std::u32string(digits.begin(), digits.end()));
  if (o.task == SyntheticTask::kRecall) alphabet += static_cast<char32_t>(kAsks);
  return alphabet;
}

std::string synthetic_answer(SyntheticTask task, const std::string& source) {
  std::string answer = source;
  switch (task) {
    case SyntheticTask::kNone:
    case SyntheticTask::kCopy:
      return answer;
    case SyntheticTask::kReverse:
      std::reverse(answer.begin(), answer.end());
      return answer;
    case SyntheticTask::kSort:
      std::ranges::sort(answer, {}, [](char c) { return kSymbols.find(c); });
      return answer;
    case SyntheticTask::kNeedle:
      return source.substr(source.find_first_of(kSymbols.substr(0, kDigits)), 1);
    case SyntheticTask::kRecall:
      return source.substr(source.find(source.back()) + 1, 1);
    case SyntheticTask::kAdd: {
      const size_t plus = source.find('+');
      return sum(std::string_view(source).substr(0, plus),
                 std::string_view(source).substr(plus + 1));
    }
  }
  throw std::invalid_argument("unknown task");
}

ParallelText synthetic_text(const SyntheticOptions& options, bool validation, uint64_t seed) {
  check(options);
  std::seed_seq seeds{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(validation)};
  std::mt19937_64 random(seeds);
  std::set<std::string> seen;
  ParallelText text;
  const int64_t wanted = validation ? options.validation : options.examples;
  // A set that is nearly all there is would take for ever to draw; what it lacks then is left out.
  for (int64_t tries = 0; text.size() < wanted && tries < 200 * wanted; ++tries) {
    stop_if_interrupted("making the task's examples");
    std::string source = draw_source(options, random);
    if ((hash(source) % kParts == 0) != validation) continue;
    if (validation && !seen.insert(source).second) continue;
    text.targets.push_back(synthetic_answer(options.task, source));
    text.sources.push_back(std::move(source));
  }
  if (text.size() == 0 && wanted > 0)
    throw std::runtime_error("the task has too few different sources: raise --task-length");
  return text;
}

}  // namespace zoo
