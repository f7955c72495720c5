// Second stage: rules that change a text before it is split (case, accents, composition).
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text) const = 0;
};

/// From a tokenizer.json's "normalizer"; null gives null. Known types: Sequence, BertNormalizer,
/// ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, StripAccents, Strip, Replace, Prepend,
/// Precompiled. Throws std::runtime_error for others, with a list of these.
std::unique_ptr<Normalizer> make_normalizer(const nlohmann::json& normalizer);

/// Whether a rule can insert a character before the text that has no position in it: a Replace that
/// matches the empty text there, a Prepend of nothing. The reference's ByteLevel fails on such
/// characters, or repeats them.
bool may_insert_without_place(const nlohmann::json& normalizer);

}  // namespace zoo
