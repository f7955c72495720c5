// Second stage: cuts a text into words, which the model then splits one by one.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// A text and where it is cut. Bytes outside all words are left out of the encoding.
struct PreTokens {
  AlignedText text;
  std::vector<Span> words;  ///< in order, not overlapping, none empty
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts the words further. May change the text, too (a space in front, U+2581 for a space).
  virtual void apply(PreTokens& pre) const = 0;
  /// Whether words come as bytes that the model's vocabulary has in the byte alphabet of GPT-2.
  virtual bool makes_bytes() const { return false; }
  /// Whether it cuts or changes by places in the user's text: `text` must then be tracked.
  virtual bool looks_at_places() const { return false; }
};

/// What a last stage ByteLevel makes: words written in GPT-2's byte alphabet, or their bytes, which
/// is the same to a model that has all of them, and quicker.
enum class WordsAs { kText, kBytes };

/// From a tokenizer.json's "pre_tokenizer"; null gives null. Known types: Sequence, ByteLevel,
/// BertPreTokenizer, Whitespace, WhitespaceSplit, Split, Metaspace, Punctuation, Digits,
/// CharDelimiterSplit, FixedLength, UnicodeScripts. Throws std::runtime_error for others, and lists
/// the known.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const nlohmann::json& pre_tokenizer,
                                                 WordsAs words = WordsAs::kText);

}  // namespace zoo
