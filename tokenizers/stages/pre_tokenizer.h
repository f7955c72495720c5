// Third stage: splits a text into words, which the model then splits one by one.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// A text and its words. Bytes outside all words are not encoded.
struct PreTokens {
  AlignedText text;
  std::vector<Span> words;  ///< in order, not overlapping, none empty
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Splits the words further. Can also change the text (adding a leading space, U+2581 for a
  /// space).
  virtual void apply(PreTokens& pre) const = 0;
  /// Whether words are raw bytes, for a model whose vocabulary is in GPT-2's byte alphabet.
  virtual bool makes_bytes() const { return false; }
  /// Whether it depends on positions in the user's text: `text` must then be tracked.
  virtual bool looks_at_places() const { return false; }
};

/// The output of a final ByteLevel stage: words in GPT-2's byte alphabet, or their bytes. Bytes are
/// equivalent for a model that has all of them, and faster.
enum class WordsAs { kText, kBytes };

/// From a tokenizer.json's "pre_tokenizer"; null gives null. Known types: Sequence, ByteLevel,
/// BertPreTokenizer, Whitespace, WhitespaceSplit, Split, Metaspace, Punctuation, Digits,
/// CharDelimiterSplit, FixedLength, UnicodeScripts. Throws std::runtime_error for others, with a
/// list of these.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const nlohmann::json& pre_tokenizer,
                                                 WordsAs words = WordsAs::kText);

}  // namespace zoo
