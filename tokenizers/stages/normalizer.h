// First stage: rules that change a text before it is split (case, accents, composed characters).
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
/// Precompiled. Throws std::runtime_error for others, and lists the known.
std::unique_ptr<Normalizer> make_normalizer(const nlohmann::json& normalizer);

}  // namespace zoo
