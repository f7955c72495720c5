// BERT: an encoder of text. Devlin et al. 2018 (arXiv:1810.04805); by options also RoBERTa (Liu et
// al. 2019, arXiv:1907.11692), ALBERT (Lan et al. 2019, arXiv:1909.11942), ELECTRA (Clark et al.
// 2020, arXiv:2003.10555) and DistilBERT (Sanh et al. 2019, arXiv:1910.01108). Differs from the
// papers: first weights are normal, not truncated normal; DistilBERT, too, drops attention's
// output.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <string_view>

#include "models/layers/dropout.h"
#include "models/layers/stack_options.h"
#include "models/positions/position_options.h"

namespace zoo {

/// Whose heads a model has and in whose layout it lies on disk (config.json's model_type).
enum class BertFamily { kBert, kRoberta, kAlbert, kElectra, kDistilBert };
template <>
struct EnumNames<BertFamily> {
  static constexpr std::string_view what = "BERT family";
  static constexpr std::pair<BertFamily, std::string_view> values[] = {
      {BertFamily::kBert, "bert"},
      {BertFamily::kRoberta, "roberta"},
      {BertFamily::kAlbert, "albert"},
      {BertFamily::kElectra, "electra"},
      {BertFamily::kDistilBert, "distilbert"}};
};

struct BertOptions : StackOptions, PositionOptions {
  BertFamily family = BertFamily::kBert;
  int64_t vocab_size = 0;  ///< V; 0 until the tokenizer is known
  int64_t context = 128;   ///< longest sequence
  /// Kinds of token: 0 in the first sentence, 1 in the second. 0: tokens are not told apart.
  int64_t segments = 2;
  /// RoBERTa: the padding token's id. Position ids count from the number after it and skip padding.
  /// -1: from 0.
  int64_t position_padding = -1;
  /// E of ALBERT's and ELECTRA's factorised embeddings (Lan et al. 2019, §3.1), followed by a
  /// projection to C; 0: C, without one.
  int64_t embedding_width = 0;
  /// Blocks that layers share (Lan et al. 2019, §3.1): consecutive layers are one block used
  /// several times. 0: each layer has its own.
  int64_t shared_blocks = 0;
  double dropout = 0.1;  ///< on the embeddings and on each sub-layer's output
  bool pooler = true;    ///< tanh of a layer on the first token

  BertOptions() {
    layers = heads = 2;
    norm_place = NormPlace::kPost;
    norm_epsilon = 1e-12;
    attention_dropout = 0.1;
  }

  static BertOptions tiny();                     ///< Turc et al. 2019, Table 1: 4.4 M
  static BertOptions mini();                     ///< 11.2 M
  static BertOptions small();                    ///< 28.8 M
  static BertOptions medium();                   ///< 41.4 M
  static BertOptions base();                     ///< Devlin et al. 2018, §3: 110 M
  static BertOptions large();                    ///< 335 M
  static BertOptions roberta_base();             ///< Liu et al. 2019, §2.3: 125 M
  static BertOptions albert_base();              ///< Lan et al. 2019, Table 1: 12 M
  static BertOptions electra_small();            ///< Clark et al. 2020, Table 6: 14 M
  static BertOptions electra_small_generator();  ///< a quarter as wide as its discriminator
  static BertOptions distilbert_base();          ///< Sanh et al. 2019, §3: 66 M
  static BertOptions minilm_l6();                ///< Wang et al. 2020 (arXiv:2002.10957): 22.7 M
  /// By name, as on the command line ("roberta-base"); throws std::invalid_argument with the known
  /// names.
  static BertOptions preset(std::string_view name);
};

/// One list of fields for command lines, recipes and config.json's "zoo".
template <class Visitor>
void visit(BertOptions& o, Visitor&& v) {
  v("family", o.family, "Whose heads, and layout on disk");
  v("context", o.context, "Longest sequence in tokens");
  visit_stack(o, {"residual-dropout"}, v);
  visit_positions(o, {"position-offset"}, v);
  v("segments", o.segments,
    "Kinds of token: first sentence, second sentence (0: none, DistilBERT)");
  v("position-padding", o.position_padding,
    "RoBERTa: position ids count from this padding id + 1 (-1: from 0)");
  v("embedding-width", o.embedding_width, "E of factorised embeddings (0: d-model)");
  v("shared-blocks", o.shared_blocks, "ALBERT: blocks that the layers share (0: one a layer)");
  v("dropout", o.dropout, "Dropout on the embeddings and each sub-layer's output");
  v("pooler", o.pooler, "A layer with tanh on the first token");
}

/// Throws OptionError for values that no model, or none of its family, can have,
/// std::invalid_argument for a model that does not fit this machine. The vocabulary is not checked.
void check(const BertOptions& options);

/// The options with the sizes that 0 leaves open filled in.
BertOptions resolved(BertOptions options);

/// What one pass needs besides the tokens; all optional.
struct BertContext {
  torch::Tensor segments = {};   ///< [B, T] int64; unset: all 0
  torch::Tensor positions = {};  ///< [B, T] or [1, T] int64; unset: counted as the family does
  AttendArgs args = {};  ///< key_lengths where padding stands at the end, may_attend for any mask
  Trace* trace = nullptr;
};

class BertImpl : public torch::nn::Module {
 public:
  /// Throws as check() does.
  explicit BertImpl(const BertOptions& options);
  /// tokens [B, T] int64 -> [B, T, C]
  torch::Tensor forward(const torch::Tensor& tokens, const BertContext& context = {});
  /// tokens [B, T] -> [B, T, C]: what the first layer reads
  torch::Tensor embed(const torch::Tensor& tokens, const BertContext& context = {});
  /// [B, T, C] -> [B, C]: the sentence by its first token
  torch::Tensor pool(const torch::Tensor& hidden);
  /// tokens [B, T] -> position ids [B, T] or [1, T]
  torch::Tensor default_positions(const torch::Tensor& tokens) const;

  BertOptions options;  // zeros replaced by what they stand for
  torch::nn::Embedding token_embedding{nullptr};
  std::shared_ptr<Position> position;
  torch::nn::Embedding segment_embedding{nullptr};  // empty without kinds of token
  Norm embedding_norm{nullptr};
  Dropout embedding_dropout{nullptr};
  torch::nn::Linear embedding_proj{nullptr};  // [C, E]; empty where the embeddings are as wide as C
  torch::nn::ModuleList blocks{nullptr};      // as many as are different
  Norm final_norm{nullptr};                   // empty with post-norm: the last block ends in one
  torch::nn::Linear pooler{nullptr};          // [C, C]; empty without pooler
};
TORCH_MODULE(Bert);

/// Matrices and tables normal, biases zero, norms one: Devlin et al. 2018, appendix A.2.
void initialise_bert(torch::nn::Module& module, double std);

}  // namespace zoo
