// The encoder-decoder Transformer: Vaswani et al. 2017 (arXiv:1706.03762), Figure 1. By options
// also the shape of Marian (Junczys-Dowmunt et al. 2018, arXiv:1804.00344), BART (Lewis et al.
// 2019, arXiv:1910.13461), mBART (Liu et al. 2020, arXiv:2001.08210), Pegasus (Zhang et al. 2019,
// arXiv:1912.08777) and T5 (Raffel et al. 2019, arXiv:1910.10683). Differs from the paper: nothing
// with the presets named after it, but for the order of the sinusoids, which is that of its
// authors' code.
#pragma once
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <vector>

#include "models/layers/dropout.h"
#include "models/layers/stack_options.h"
#include "models/positions/position_options.h"
#include "models/transformer/encoder_decoder.h"

namespace zoo {

/// What the base has holds for both stacks, but `layers`, which stands for encoder_layers.
struct TransformerOptions : StackOptions, PositionOptions {
  int64_t vocab_size = 0;         ///< V of the target; 0 until the tokenizer is known
  int64_t source_vocab_size = 0;  ///< 0: as vocab_size
  /// Longest source, and longest target. 0: no limit, where positions have no table.
  int64_t context = 512;
  int64_t encoder_layers = 3;
  int64_t decoder_layers = 3;
  int64_t decoder_heads = 0;              ///< 0: as heads
  int64_t decoder_feed_forward = 0;       ///< 0: as feed_forward
  std::string decoder_pruned_heads = {};  ///< pruned_heads is the encoder's
  bool norm_embeddings = false;           ///< a norm after embeddings and positions, as BART has
  bool scale_embeddings = true;           ///< times sqrt(C): §3.4
  bool share_embeddings = true;  ///< source and target have one vocabulary and one table: §5.1
  bool tie_embeddings = true;    ///< the output layer is the target's table: §3.4
  /// The output layer reads states / sqrt(C): Raffel et al. 2019, whose tied table is not scaled.
  bool scale_output = false;
  bool output_bias =
      false;             ///< an untrained shift of the logits, as Marian's and BART's files have
  double dropout = 0.1;  ///< on embeddings and on each sub-layer's output: §5.4

  TransformerOptions() {
    d_model = 256;
    activation = Activation::kRelu;
    position = PositionKind::kSinusoidal;
    sinusoids = SinusoidOrder::kHalves;
    norm_place = NormPlace::kPost;
    init_std = 0.0;  // uniform after Glorot & Bengio 2010
  }

  static TransformerOptions tiny();           ///< 1 layer, width 32: the reverse task
  static TransformerOptions small();          ///< 3 + 3 layers, width 256: the classroom size
  static TransformerOptions base();           ///< Vaswani et al. 2017, Table 3: 65 M
  static TransformerOptions big();            ///< the same table: 213 M
  static TransformerOptions marian();         ///< OPUS-MT's Marian, "transformer-align": 6 + 6, 512
  static TransformerOptions bart_base();      ///< Lewis et al. 2019, §4.1 in BERT-base's size
  static TransformerOptions mbart_large();    ///< Liu et al. 2020, §2.2: 12 + 12, 1024; pre-norm
  static TransformerOptions t5_small();       ///< Raffel et al. 2019, §3.7: 6 + 6, 512
  static TransformerOptions flan_t5_small();  ///< Chung et al. 2022: 8 + 8, 512; gated, not tied
  static TransformerOptions pegasus_base();   ///< Zhang et al. 2019, §6: 12 + 12, 768; pre-norm
  /// By name, as on the command line; throws std::invalid_argument with the known names.
  static TransformerOptions preset(std::string_view name);
};

/// One list of fields for command lines, recipes and config.json's "zoo".
template <class Visitor>
void visit(TransformerOptions& o, Visitor&& v) {
  v("context", o.context, "Longest source and target in tokens (0: any, without a table of them)");
  v("encoder-layers", o.encoder_layers, "Blocks of the encoder");
  v("decoder-layers", o.decoder_layers, "Blocks of the decoder");
  visit_stack(o, {"layers", "parallel", "residual-dropout"}, v);
  v("decoder-heads", o.decoder_heads, "Attention heads of the decoder (0: as heads)");
  v("decoder-pruned-heads", o.decoder_pruned_heads, "Heads that the decoder's layers lack");
  v("cross-pruned-heads", o.cross_pruned_heads, "Heads that cross-attention lacks");
  v("decoder-feed-forward", o.decoder_feed_forward, "The decoder's (0: as feed-forward)");
  visit_positions(o, {}, v);
  v("norm-embeddings", o.norm_embeddings, "A norm after the embeddings");
  v("scale-embeddings", o.scale_embeddings, "Embeddings times sqrt(d-model)");
  v("share-embeddings", o.share_embeddings, "One table for source and target");
  v("tie-embeddings", o.tie_embeddings, "Output layer = target embedding");
  v("scale-output", o.scale_output, "T5: states / sqrt(d-model) before the output layer");
  v("output-bias", o.output_bias, "An untrained shift of the logits");
  v("dropout", o.dropout, "Dropout on embeddings and on each sub-layer's output");
}

/// Throws OptionError for values that no model can have, std::invalid_argument for a model that
/// does not fit this machine. The vocabularies are not checked.
void check(const TransformerOptions& options);

/// The options with what 0 leaves open filled in, but for widths that the two stacks may have of
/// their own. The vocabularies are not checked.
TransformerOptions resolved(TransformerOptions options);

/// The options of one stack, resolved.
StackOptions encoder_stack(const TransformerOptions& options);
StackOptions decoder_stack(const TransformerOptions& options);

/// What one pass of the decoder needs besides its tokens; all optional.
struct DecoderContext {
  torch::Tensor positions = {};  ///< [B, T] or [1, T]; unset: on from the cache, or 0 .. T - 1
  AttendArgs args = {};          ///< of self-attention: padding; causal is added
  AttendArgs cross_args = {};    ///< of cross-attention; the source's lengths are added
  KvCache* cache = nullptr;
  torch::Tensor counts = {};  ///< [B] int64: real tokens of each row, with a cache
  Trace* trace =
      nullptr;  ///< "decoder_hidden_states.N", "decoder_attentions.N", "cross_attentions.N"
};

class TransformerImpl : public EncoderDecoder {
 public:
  /// Throws as check() does.
  explicit TransformerImpl(const TransformerOptions& options);
  /// source [B, S], source_lengths [B], target [B, T] int64 -> logits [B, T, V]
  torch::Tensor forward(const torch::Tensor& source, const torch::Tensor& source_lengths,
                        const torch::Tensor& target);
  torch::Tensor hidden(const torch::Tensor& source, const torch::Tensor& source_lengths,
                       const torch::Tensor& target) override;
  torch::Tensor logits_of(const torch::Tensor& hidden) override;

  /// source [B, S] -> [B, S, C]. `args` says what is padding; a trace gets "encoder_...".
  torch::Tensor encode(const torch::Tensor& source, const AttendArgs& args = {},
                       Trace* trace = nullptr);
  /// encoder states [B, S, C] -> keys and values for each layer of the decoder.
  std::vector<CrossKeyValues> cross_keys_values(const torch::Tensor& states,
                                                const torch::Tensor& lengths = {});
  /// target [B, T] -> [B, T, C]
  torch::Tensor decode(const torch::Tensor& target, const std::vector<CrossKeyValues>& keys_values,
                       const DecoderContext& context = {});
  /// An empty cache of the decoder.
  KvCache make_cache(int64_t batch, int64_t capacity) const;

  int64_t target_vocab_size() const override { return options.vocab_size; }
  int64_t source_vocab_size() const override { return options.source_vocab_size; }
  int64_t longest() const override { return options.context; }

  TransformerOptions options;  // zeros replaced by what they stand for
  torch::nn::Embedding source_embedding{nullptr};
  torch::nn::Embedding target_embedding{nullptr};  // the same module where shared
  std::shared_ptr<Position> source_position, target_position;
  Norm source_norm{nullptr}, target_norm{nullptr};  // of the embeddings, or empty
  Dropout embedding_dropout{nullptr};
  torch::nn::ModuleList encoder{nullptr}, decoder{nullptr};
  Norm encoder_norm{nullptr}, decoder_norm{nullptr};  // empty with post-norm
  torch::nn::Linear lm_head{nullptr};                 // empty where tied
  torch::Tensor output_bias;                          // buffer [1, V], or undefined

 private:
  torch::Tensor embed(torch::nn::Embedding& table, const Position& position, Norm& norm,
                      const torch::Tensor& tokens, const torch::Tensor& positions);
  void initialise();
};
TORCH_MODULE(Transformer);

}  // namespace zoo
