// GPT: a decoder-only language model. Radford et al. 2018 and 2019 (GPT-1, GPT-2); by options also
// the shape of Llama (Touvron et al. 2023, arXiv:2302.13971). Differs from the papers: nothing with
// the presets named after them; biases, norms, positions are options.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/gpt/future_tokens.h"
#include "models/layers/dropout.h"
#include "models/layers/stack_options.h"
#include "models/positions/position_options.h"

namespace zoo {

struct GptOptions : StackOptions, PositionOptions {
  int64_t vocab_size = 0;         ///< V; 0 until the tokenizer is known
  int64_t context = 64;           ///< longest sequence
  bool tie_embeddings = true;     ///< the output layer shares the token embedding
  bool scale_embeddings = false;  ///< times sqrt(C), as the 2017 Transformer does
  bool norm_embeddings = false;   ///< a norm on them, before the first layer (BLOOM)
  /// E: width of the token embeddings, with a projection to C and one back; 0: C, without (OPT).
  int64_t embedding_width = 0;
  bool output_bias = false;  ///< of the output layer (Phi)
  double logit_cap = 0.0;    ///< logits become cap tanh(logits / cap) (Gemma 2); 0: they stay
  double embedding_dropout = 0.0;
  /// Prefix language model: callers give the length of a prompt as AttendArgs::prefix_lengths.
  bool prefix_lm = false;
  /// N: tokens after the next one that extra blocks predict while it trains (future_tokens.h).
  int64_t future_tokens = 0;
  double future_token_loss = 0.3;  ///< weight of theirs
  /// Segment memory: tokens before a segment of `context` tokens that it sees (segment_memory.h).
  int64_t memory = 0;
  int64_t sinks = 0;               ///< tokens at the start that local layers see as well
  int64_t self_extend = 0;         ///< SelfExtend: far keys share positions in groups of so many
  int64_t self_extend_window = 0;  ///< and near ones are so many tokens back

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
  visit_stack(o, {}, v);
  visit_positions(o, {}, v);
  v("tie-embeddings", o.tie_embeddings, "Output layer = token embedding");
  v("scale-embeddings", o.scale_embeddings, "Embeddings times sqrt(d-model)");
  v("norm-embeddings", o.norm_embeddings, "Norm on the embeddings");
  v("embedding-width", o.embedding_width, "E: width of the token embeddings (0: d-model)");
  v("output-bias", o.output_bias, "Bias of the output layer");
  v("logit-cap", o.logit_cap, "Bound that logits bend towards: cap tanh(logits / cap) (0: none)");
  v("embedding-dropout", o.embedding_dropout, "Dropout on the embeddings");
  v("prefix-lm", o.prefix_lm, "A prompt's tokens see each other, later ones too");
  v("future-tokens", o.future_tokens,
    "Multi-token prediction: tokens after the next one, predicted in training");
  v("future-token-loss", o.future_token_loss, "Multi-token prediction: weight of their loss");
  v("memory", o.memory,
    "Segment memory: tokens before a segment of --context tokens that it sees (0: none)");
  v("sinks", o.sinks, "First tokens of the text that local layers see besides their window");
  v("self-extend", o.self_extend,
    "SelfExtend: farther tokens share a rotary position in groups of so many (0: each its own)");
  v("self-extend-window", o.self_extend_window,
    "SelfExtend: tokens back that keep a position each, their own included");
}

/// Throws OptionError for values that no model can have, std::invalid_argument for a model that
/// does not fit this machine: before tokenizer and text are ready. The vocabulary is not checked.
void check(const GptOptions& options);

/// The options with the sizes that 0 leaves open (kv_heads, head_width, feed_forward) filled in.
GptOptions resolved(GptOptions options);

/// How a model with segment memory divides a text.
Segments segments_of(const GptOptions& options);

/// What one pass needs besides the tokens; all optional.
struct GptContext {
  torch::Tensor positions = {};  ///< ids [B, T] or [1, T]; unset: on from the cache, or 0 .. T - 1
  AttendArgs args = {};          ///< padding and the like; causal is added
  bool causal = true;            ///< false: an encoder, which sees both sides; without a cache
  KvCache* cache = nullptr;
  torch::Tensor counts = {};  ///< [B] int64: real tokens of each row, with a cache
  /// What the segments before have left, of make_memory(). The tokens are the next segment, at most
  /// `context` of each row's text, and join it. Without cache, padding and position ids.
  SegmentMemory* memory = nullptr;
  Trace* trace = nullptr;
  std::string trace_prefix = {};   ///< "text_": of a model that has other stacks as well
  bool trace_before_norm = false;  ///< the last hidden state is traced before the last norm
};

class GptImpl : public torch::nn::Module {
 public:
  /// Throws as check() does.
  explicit GptImpl(const GptOptions& options);
  /// tokens [B, T] int64 -> logits [B, T, V]
  torch::Tensor forward(const torch::Tensor& tokens, const GptContext& context = {});
  /// tokens [B, T] -> [B, T, C] after the final norm: what the output layer reads
  torch::Tensor hidden(const torch::Tensor& tokens, const GptContext& context = {});
  /// [..., C] -> [..., V]
  torch::Tensor logits_of(const torch::Tensor& hidden);
  /// [..., C] -> [..., E], of the token embeddings' width: the output layer's matrix times these
  torch::Tensor output_states(const torch::Tensor& hidden);
  /// An empty cache for `batch` sequences of up to `capacity` tokens.
  KvCache make_cache(int64_t batch, int64_t capacity) const;
  /// An empty segment memory. Throws c10::Error for a model without.
  SegmentMemory make_memory() const;

  GptOptions options;                             // zeros replaced by what they stand for
  torch::nn::Embedding token_embedding{nullptr};  // [V, E]
  torch::nn::Linear embedding_proj{nullptr}, output_proj{nullptr};  // empty where E is C
  std::shared_ptr<Position> position;
  Norm embedding_norm{nullptr};  // empty without norm_embeddings
  Dropout embedding_dropout{nullptr};
  torch::nn::ModuleList blocks{nullptr};
  Norm final_norm{nullptr};             // empty with post-norm: the last block ends in one
  torch::nn::Linear lm_head{nullptr};   // [V, E]; empty where tied
  torch::Tensor output_bias;            // [V]; undefined without
  FutureTokens future_tokens{nullptr};  // empty without multi-token prediction

 private:
  void initialise();
};
TORCH_MODULE(Gpt);

/// Throws c10::Error naming the first id outside 0 .. vocab_size - 1. Waits for the device.
void check_token_ids(const torch::Tensor& tokens, int64_t vocab_size, std::string_view who);

}  // namespace zoo
