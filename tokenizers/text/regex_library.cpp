#include "tokenizers/text/regex_library.h"

#include <fmt/format.h>

// The C library's <regex.h> has a struct of this name.
#define re_registers zoo_oniguruma_registers
#include <oniguruma.h>
#undef re_registers

#include <algorithm>
#include <iterator>
#include <mutex>
#include <stdexcept>

#include "tokenizers/text/regex_characters.h"
#include "tokenizers/text/utf8.h"

namespace zoo::regex {
namespace {

// ---- Sets spelled out
std::string written_out(const CodePointSet& set) {
  constexpr char32_t kLast = 0x10FFFF, kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;
  std::string ranges;
  for (auto [first, last] : set.ranges()) {
    if (first >= kFirstSurrogate && first <= kLastSurrogate) first = kLastSurrogate + 1;
    if (last >= kFirstSurrogate && last <= kLastSurrogate) last = kFirstSurrogate - 1;
    if (first > last) continue;
    fmt::format_to(std::back_inserter(ranges), "\\x{{{:x}}}-\\x{{{:x}}}",
                   static_cast<uint32_t>(first), static_cast<uint32_t>(last));
  }
  if (ranges.empty()) return fmt::format("[^\\x{{0}}-\\x{{{:x}}}]", static_cast<uint32_t>(kLast));
  return "[" + ranges + "]";
}

class Writer : private PatternReader {
 public:
  explicit Writer(std::string_view pattern) : PatternReader(pattern, Regex::Dialect::kOniguruma) {}

  std::string write() {
    while (!done()) {
      if (peek() == '[') {
        out_ += written_out(bracket());
      } else if (peek() == '\\') {
        escape();
      } else if (starts("(")) {
        group();
      } else if (extended_ && peek() == '#') {
        copy(pattern_.find('\n', at_));
      } else {
        copy(at_ + 1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(size_t end) {
    end = std::min(end, pattern_.size());
    out_ += pattern_.substr(at_, end - at_);
    at_ = end;
  }

  void escape() {
    if (starts("\\b") || starts("\\B")) {
      const std::string word = written_out(this->word(/*alone=*/true));
      out_ += starts("\\b") ? fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word)
                            : fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word);
      at_ += 2;
    } else if (const auto set = class_escape(/*alone=*/true)) {
      // (?i) does not change a class, but would change what is in brackets.
      out_ += ignores_case_ ? "(?-i:" + written_out(*set) + ")" : written_out(*set);
    } else {
      copy(at_ + 2);  // the rest of a longer character, or of \x{...}, is copied next
    }
  }

  void group() {
    if (starts("(?#")) {
      const size_t end = pattern_.find(')', at_);
      if (end == std::string_view::npos) fail("a comment without ')'");
      return copy(end + 1);
    }
    if (starts("(*") || starts("(?{") || starts("(?y")) fail("callouts are not supported");
    if (starts("(?")) options();
    copy(at_ + 1);
  }

  /// (?imx-imx), (?imx-imx:...)
  void options() {
    size_t end = at_ + 2;
    while (end < pattern_.size() &&
           (is_ascii_letter(static_cast<unsigned char>(pattern_[end])) || pattern_[end] == '-')) {
      ++end;
    }
    if (end == pattern_.size() || (pattern_[end] != ')' && pattern_[end] != ':')) return;
    const std::string_view letters = pattern_.substr(at_ + 2, end - at_ - 2);
    if (letters.find_first_not_of("imx-") != std::string_view::npos) {
      fail("such an option is not supported; known: i, m, x");
    }
    ignores_case_ = ignores_case_ || letters.find('i') != letters.npos;
    extended_ = extended_ || letters.substr(0, letters.find('-')).find('x') != letters.npos;
  }

  std::string out_;
  bool extended_ = false, ignores_case_ = false;  // from some point of the pattern on
};

// ---- The library
const OnigUChar* bytes(const char* text) { return reinterpret_cast<const OnigUChar*>(text); }

std::string error_text(int code, OnigErrorInfo* info) {
  OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int size = info != nullptr ? onig_error_code_to_str(text, code, info)
                                   : onig_error_code_to_str(text, code);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(std::max(size, 0))};
}

struct FreeRegion {
  void operator()(OnigRegion* region) const { onig_region_free(region, /*free_self=*/1); }
};
struct FreeParameters {
  void operator()(OnigMatchParam* parameters) const { onig_free_match_param(parameters); }
};

}  // namespace

std::string with_sets_written_out(std::string_view pattern) { return Writer(pattern).write(); }

struct LibraryPattern::Compiled {
  OnigRegex regex = nullptr;
  ~Compiled() {
    if (regex != nullptr) onig_free(regex);
  }
};

LibraryPattern::LibraryPattern(std::string_view pattern)
    : compiled_(std::make_unique<Compiled>()), size_(pattern.size()) {
  static std::mutex compiling;  // the library builds its tables on first use
  const std::string written = with_sets_written_out(pattern);
  const std::lock_guard lock(compiling);
  static const int ready = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  OnigErrorInfo info{};
  const OnigUChar* const begin = bytes(written.data());
  const int code = ready != ONIG_NORMAL ? ready
                                        : onig_new(&compiled_->regex, begin, begin + written.size(),
                                                   ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                                                   ONIG_SYNTAX_ONIGURUMA, &info);
  if (code != ONIG_NORMAL) {
    throw std::runtime_error(
        fmt::format("cannot read a regular expression: {}", error_text(code, &info)));
  }
}

LibraryPattern::~LibraryPattern() = default;

bool LibraryPattern::search(std::string_view text, size_t from, Span& match) const {
  // The package limits the steps at each position; the limit for a whole search is ours. Both stop
  // searches that would take minutes.
  constexpr unsigned long kMostAtOnePlace = 10'000'000, kMostInAll = 50'000'000;
  constexpr unsigned kDeepestStack = 1 << 24;
  const std::unique_ptr<OnigRegion, FreeRegion> region(onig_region_new());
  const std::unique_ptr<OnigMatchParam, FreeParameters> limits(onig_new_match_param());
  onig_initialize_match_param(limits.get());
  onig_set_retry_limit_in_match_of_match_param(limits.get(), kMostAtOnePlace);
  onig_set_retry_limit_in_search_of_match_param(limits.get(), kMostInAll);
  onig_set_match_stack_limit_size_of_match_param(limits.get(), kDeepestStack);
  const OnigUChar *const begin = bytes(text.empty() ? "" : text.data()), *const end =
                                                                             begin + text.size();
  const int found = onig_search_with_param(compiled_->regex, begin, end, begin + from, end,
                                           region.get(), ONIG_OPTION_NONE, limits.get());
  if (found == ONIG_MISMATCH) return false;
  if (found < 0) {
    throw std::runtime_error(
        fmt::format("a regular expression of {} bytes fails on a text of {} bytes: {}; avoid "
                    "repetitions inside repetitions, or make them possessive",
                    size_, text.size(), error_text(found, nullptr)));
  }
  match = {static_cast<size_t>(region->beg[0]), static_cast<size_t>(region->end[0])};
  return true;
}

}  // namespace zoo::regex
