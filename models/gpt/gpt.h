// GPT: a decoder-only language model. Radford et al. 2018 and 2019 (GPT-1, GPT-2); by options also
// the shape of Llama (Touvron et al. 2023, arXiv:2302.13971). Differs from the papers: nothing with
// the presets named after them; biases, norms, positions are options.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <optional>
#include <string>
#include <vector>

#include "models/layers/block.h"
#include "models/positions/position.h"
#include "models/positions/rotary.h"

namespace zoo {

struct GptOptions {
  int64_t vocab_size = 0;    ///< V; 0 until the tokenizer is known
  int64_t context = 64;      ///< longest sequence
  int64_t layers = 4;        ///< L
  int64_t d_model = 128;     ///< C
  int64_t heads = 4;         ///< H
  int64_t kv_heads = 0;      ///< Hkv; 0: as heads
  int64_t head_width = 0;    ///< Dh; 0: d_model / heads
  int64_t feed_forward = 0;  ///< F; 0: 4 d_model
  Activation activation = Activation::kGelu;
  PositionKind position = PositionKind::kLearned;
  RotaryOptions rotary = {};
  NormKind norm = NormKind::kLayer;
  NormPlace norm_place = NormPlace::kPre;
  double norm_epsilon = 1e-5;
  bool norm_bias = true;
  bool attention_bias = true;
  bool feed_forward_bias = true;
  bool tie_embeddings = true;  ///< the output layer shares the token embedding
  bool scale_embeddings =
      false;  ///< times sqrt(C), as the 2017 Transformer does beside sinusoidal positions
  bool scale_attention = true;  ///< by 1 / sqrt(Dh)
  bool scale_by_layer = false;  ///< attention scores of layer n (from 1) divided by n as well
  double embedding_dropout = 0.0;
  double attention_dropout = 0.0;
  double residual_dropout = 0.0;
  double init_std =
      0.02;  ///< Radford et al. 2019, §2.3: residual projections by 1 / sqrt(2 L) less
  std::string attention = "torch";  ///< attend()'s kernel

  static GptOptions tiny();         ///< the classroom size: 4 layers, width 128, 0.8 M parameters
  static GptOptions gpt2();         ///< Radford et al. 2019, Table 2: 124 M
  static GptOptions gpt2_medium();  ///< 355 M
  static GptOptions gpt2_large();   ///< 774 M
  static GptOptions gpt2_xl();      ///< 1.5 B
  static GptOptions llama_tiny();   ///< Llama's shape at classroom size
  static GptOptions llama_7b();     ///< Touvron et al. 2023, Table 2
  static GptOptions llama3_8b();    ///< Grattafiori et al. 2024 (arXiv:2407.21783), Table 3
  /// By name, as on the command line ("gpt2-medium"); throws std::invalid_argument with the known
  /// names.
  static GptOptions preset(std::string_view name);
};

/// One list of fields for command lines, recipes and config.json's "zoo".
template <class Visitor>
void visit(GptOptions& o, Visitor&& v) {
  v("context", o.context, "Longest sequence in tokens");
  v("layers", o.layers, "L: number of blocks");
  v("d-model", o.d_model, "C: width of the residual stream");
  v("heads", o.heads, "H: attention heads");
  v("kv-heads", o.kv_heads, "Key-value heads, dividing heads (0: as heads)");
  v("head-width", o.head_width, "Dh: width of a head (0: d-model / heads)");
  v("feed-forward", o.feed_forward, "F: width of the feed-forward network (0: 4 d-model)");
  v("activation", o.activation, "Feed-forward activation");
  v("position", o.position, "How the model knows the order of its tokens");
  v("rotary-base", o.rotary.base, "Rotary positions: longest wavelength / (2 pi)");
  v("rotary-scaling", o.rotary.scaling, "Rotary positions beyond the trained length");
  v("rotary-factor", o.rotary.factor, "Rotary scaling: by how much");
  v("rotary-low-frequency", o.rotary.low_frequency, "Rotary scaling llama3: low_freq_factor");
  v("rotary-high-frequency", o.rotary.high_frequency, "Rotary scaling llama3: high_freq_factor");
  v("rotary-original-context", o.rotary.original_context,
    "Rotary scaling llama3: context trained on");
  v("norm", o.norm, "Normalisation");
  v("norm-place", o.norm_place, "Norm before or after each sub-layer");
  v("norm-epsilon", o.norm_epsilon, "Added to the variance");
  v("norm-bias", o.norm_bias, "Layer norm with a shift");
  v("attention-bias", o.attention_bias, "Biases in attention's projections");
  v("feed-forward-bias", o.feed_forward_bias, "Biases in the feed-forward network");
  v("tie-embeddings", o.tie_embeddings, "Output layer = token embedding");
  v("scale-embeddings", o.scale_embeddings, "Embeddings times sqrt(d-model)");
  v("scale-attention", o.scale_attention, "Scores divided by sqrt(head width)");
  v("scale-by-layer", o.scale_by_layer, "Scores of layer n divided by n as well");
  v("embedding-dropout", o.embedding_dropout, "Dropout on the embeddings");
  v("attention-dropout", o.attention_dropout, "Dropout on the attention weights");
  v("residual-dropout", o.residual_dropout, "Dropout on each sub-layer's output");
  v("init-std", o.init_std, "Standard deviation of the initial weights");
  v("attention", o.attention, "Attention kernel");
}

/// Throws std::invalid_argument for values that no model can have, named as on the command line:
/// before tokenizer and text are ready. The vocabulary is not looked at.
void check(const GptOptions& options);

/// The options with the sizes that 0 leaves open (kv_heads, head_width, feed_forward) filled in.
/// Throws c10::Error where they cannot be. The vocabulary is not looked at.
GptOptions resolved(GptOptions options);

/// What one pass needs besides the tokens; all optional.
struct GptContext {
  torch::Tensor positions = {};  ///< [B, T] or [1, T]; unset: on from the cache, or 0 .. T - 1
  AttendArgs args = {};          ///< padding and the like; causal is added
  std::vector<KvCache>* caches = nullptr;  ///< one a layer
  torch::Tensor counts = {};               ///< [B]: real tokens of each row, with caches
  Trace* trace = nullptr;
};

class GptImpl : public torch::nn::Module {
 public:
  explicit GptImpl(const GptOptions& options);
  /// tokens [B, T] int64 -> logits [B, T, V]
  torch::Tensor forward(const torch::Tensor& tokens, const GptContext& context = {});
  /// tokens [B, T] -> [B, T, C] after the final norm: what the output layer reads
  torch::Tensor hidden(const torch::Tensor& tokens, const GptContext& context = {});
  /// [..., C] -> [..., V]
  torch::Tensor logits_of(const torch::Tensor& hidden);
  /// Empty caches for `batch` sequences of up to `capacity` tokens.
  std::vector<KvCache> make_caches(int64_t batch, int64_t capacity) const;

  GptOptions options;  // zeros replaced by what they stand for
  torch::nn::Embedding token_embedding{nullptr};
  std::shared_ptr<Position> position;
  torch::nn::Dropout embedding_dropout{nullptr};
  torch::nn::ModuleList blocks{nullptr};
  Norm final_norm{nullptr};            // empty with post-norm: the last block ends in one
  torch::nn::Linear lm_head{nullptr};  // empty where tied

 private:
  void initialise();
};
TORCH_MODULE(Gpt);

/// Throws c10::Error naming the first id outside 0 .. vocab_size - 1. A door's check: it waits for
/// the device.
void check_token_ids(const torch::Tensor& tokens, int64_t vocab_size, std::string_view who);

}  // namespace zoo
