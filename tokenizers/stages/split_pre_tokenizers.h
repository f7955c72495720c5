// The pre-tokenizers that cut at a pattern: Split and what is made of it (ByteLevel, Whitespace,
// WhitespaceSplit, Punctuation, Digits, CharDelimiterSplit, Metaspace), or by counting and scripts.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "tokenizers/stages/pre_tokenizer.h"
#include "tokenizers/text/code_point_set.h"
#include "tokenizers/text/regex.h"

namespace zoo {

/// What becomes of the stretches that match, when a text is cut into those that do and those that
/// do not.
enum class SplitBehaviour {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,  ///< matches in a row are one word, and so is what lies between
};

/// A regular expression, each character of a set, or a text as it is written.
using SplitPattern = std::variant<Regex, CodePointSet, std::string>;

struct SplitRule {
  SplitPattern pattern;
  SplitBehaviour behaviour = SplitBehaviour::kIsolated;
  bool invert = false;  ///< matches are what does not match
};

std::unique_ptr<PreTokenizer> make_split(SplitRule rule);

/// GPT-2's: a space in front of each word that has none, where asked for; then its expression.
std::unique_ptr<PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex, WordsAs words);

/// Words of `length` characters; the last may be shorter.
std::unique_ptr<PreTokenizer> make_fixed_length(size_t length);
constexpr size_t kDefaultFixedLength = 5;

/// Cuts where the script changes (text/unicode_scripts.h). What comes before the first character
/// with a script is left out.
std::unique_ptr<PreTokenizer> make_unicode_scripts();

enum class PrependScheme { kAlways, kFirst, kNever };

struct MetaspaceOptions {
  std::string replacement = "\xE2\x96\x81";  ///< U+2581, for each space
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;  ///< before each replacement
};
std::unique_ptr<PreTokenizer> make_metaspace(MetaspaceOptions options);

}  // namespace zoo
