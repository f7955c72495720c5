// Layouts of encoder-decoders in Hugging Face's `transformers`: each is a row.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "models/pretrained/transformer/transformer_config.h"

namespace zoo {

inline constexpr double kBartsEpsilon = 1e-5;  ///< no key of BART's relatives says it
inline constexpr int64_t kBartOffset = 2;

/// What a class of the reference has in its code.
struct LayoutRow {
  TransformerLayout layout;
  std::string_view name;                    ///< as in a sentence
  std::array<std::string_view, 2> classes;  ///< with the output layer, and without
  PositionKind position = PositionKind::kSinusoidal;
  NormPlace norm_place = NormPlace::kPost;
  bool norm_embeddings = false;
  bool two_vocabularies = false;
};

/// Not of kZoo.
const LayoutRow& layout_row(TransformerLayout layout);

}  // namespace zoo
