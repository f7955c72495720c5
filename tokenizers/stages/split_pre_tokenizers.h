// Pre-tokenizers that split at a pattern: Split and those built from it (ByteLevel, Whitespace,
// WhitespaceSplit, Punctuation, Digits, CharDelimiterSplit, Metaspace); also by length and by
// script.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "tokenizers/stages/pre_tokenizer.h"
#include "tokenizers/text/code_point_set.h"
#include "tokenizers/text/regex.h"

namespace zoo {

/// What happens to the matches of a pattern when a text is split at them.
enum class SplitBehaviour {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,  ///< consecutive matches form one word, and so does the text between
};

/// A regular expression, any character of a set, or a literal text.
using SplitPattern = std::variant<Regex, CodePointSet, std::string>;

struct SplitRule {
  SplitPattern pattern;
  SplitBehaviour behaviour = SplitBehaviour::kIsolated;
  bool invert = false;  ///< swaps matches and the text between them
};

std::unique_ptr<PreTokenizer> make_split(SplitRule rule);

/// GPT-2's: optionally adds a space before each word that has none; then splits by its expression.
std::unique_ptr<PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex, WordsAs words);

/// Words of `length` characters; the last may be shorter.
std::unique_ptr<PreTokenizer> make_fixed_length(size_t length);
constexpr size_t kDefaultFixedLength = 5;

/// Splits where the script changes (text/unicode_scripts.h). Characters before the first one that
/// has a script are dropped.
std::unique_ptr<PreTokenizer> make_unicode_scripts();

enum class PrependScheme { kAlways, kFirst, kNever };

struct MetaspaceOptions {
  std::string replacement = "\xE2\x96\x81";  ///< U+2581, written for each space
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;  ///< split before each replacement
};
std::unique_ptr<PreTokenizer> make_metaspace(MetaspaceOptions options);

}  // namespace zoo
