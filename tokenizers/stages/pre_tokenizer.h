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
  /// Whether words are bytes to the model: its vocabulary is written in the byte alphabet of GPT-2.
  virtual bool byte_level() const { return false; }
};

/// From a tokenizer.json's "pre_tokenizer"; null gives null. Known types: Sequence, ByteLevel,
/// BertPreTokenizer, Whitespace, WhitespaceSplit, Split, Metaspace, Punctuation, Digits. Throws
/// std::runtime_error for others, and lists the known.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const nlohmann::json& pre_tokenizer);

}  // namespace zoo
