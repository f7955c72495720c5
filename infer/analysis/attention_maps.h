// The attention of any model for one input: every head of every layer as numbers, with what its
// rows and columns stand for.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "models/bert/bert.h"
#include "models/clip/clip.h"
#include "models/gpt/gpt.h"
#include "models/transformer/transformer.h"
#include "models/vision/cct.h"
#include "models/vision/vit.h"

namespace zoo {

/// The attention of one stack of layers: T queries look at S keys.
struct AttentionMap {
  /// "self" of a decoder or an encoder alone; "encoder", "decoder" and "cross" of an
  /// encoder-decoder; "text" and "image" of a CLIP.
  std::string name = {};
  std::string query_axis = "Query", key_axis = "Key";
  std::vector<std::string> queries = {}, keys = {};  ///< a label each: T and S
  torch::Tensor may_attend = {};                     ///< [T, S] bool: what the mask lets through
  std::vector<torch::Tensor> layers = {};            ///< [H, T, S] float on the CPU, rows sum to 1
  /// Of images: the tokens before the patches, and the grid that the patches form. No grid: text.
  int64_t prefix = 0;
  Grid grid = {};

  int64_t heads() const;  ///< of the layer that has most
  int64_t heads(size_t layer) const { return layers.at(layer).size(0); }
  bool of_patches() const { return grid.patches() > 0; }
};

struct AttentionMaps {
  std::vector<AttentionMap> maps = {};
  std::string input = {};  ///< what the model read, for a heading
  Image picture = {};      ///< as the model saw it; empty for texts

  /// Throws std::out_of_range for a name that no map has.
  const AttentionMap& at(std::string_view name) const;
};

/// Token ids and what stands beside them in a picture.
struct LabelledTokens {
  std::vector<int64_t> ids = {};
  std::vector<std::string> labels = {};  ///< as many
  std::vector<int64_t> segments = {};    ///< BERT: 0 in the first text, 1 in the second; empty: 0
};

/// Each runs the model once, without gradients. A kernel that does not form weights leaves them to
/// "matmul". All throw c10::Error for an id outside the vocabulary and an input that is too long.
AttentionMaps attention_maps(GptImpl& model, const LabelledTokens& text);
AttentionMaps attention_maps(BertImpl& model, const LabelledTokens& text);
/// The target is what the decoder reads: it begins with the start token.
AttentionMaps attention_maps(TransformerImpl& model, const LabelledTokens& source,
                             const LabelledTokens& target);
/// pixels [1, channels, H, W]
AttentionMaps attention_maps(VitImpl& model, const torch::Tensor& pixels);
AttentionMaps attention_maps(CctImpl& model, const torch::Tensor& pixels);
/// "image" if there are pixels, "text" if there are tokens.
AttentionMaps attention_maps(ClipImpl& model, const torch::Tensor& pixels,
                             const LabelledTokens& text);

}  // namespace zoo
