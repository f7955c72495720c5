// ViT: an encoder of images. Dosovitskiy et al. 2020 (arXiv:2010.11929); by options also DeiT
// (Touvron et al. 2020, arXiv:2012.12877) with stochastic depth, CaiT's layer scale (Touvron et al.
// 2021, arXiv:2103.17239) and DINOv2 (Oquab et al. 2023, arXiv:2304.07193). Differs from the
// papers: first weights are normal, not truncated normal.
#pragma once
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "models/layers/attention_pooling.h"
#include "models/layers/dropout.h"
#include "models/layers/patch_embedding.h"
#include "models/layers/stack_options.h"
#include "models/positions/grid.h"
#include "models/vision/image_classifier.h"

namespace zoo {

/// How the tokens become one vector: by a token of their own, by the mean of the patches, by both,
/// one beside the other, or by attention_pooling.h.
enum class VitPooling { kClassToken, kMean, kClassTokenAndMean, kAttention };
template <>
struct EnumNames<VitPooling> {
  static constexpr std::string_view what = "pooling";
  static constexpr std::pair<VitPooling, std::string_view> values[] = {
      {VitPooling::kClassToken, "class-token"},
      {VitPooling::kMean, "mean"},
      {VitPooling::kClassTokenAndMean, "class-token-and-mean"},
      {VitPooling::kAttention, "attention"}};
};

/// DeiT's second token: absent; there, but without a head of its own (fine-tuned without a
/// teacher); or with a head that learns from a teacher.
enum class Distillation { kNone, kToken, kHead };
template <>
struct EnumNames<Distillation> {
  static constexpr std::string_view what = "distillation";
  static constexpr std::pair<Distillation, std::string_view> values[] = {
      {Distillation::kNone, "none"},
      {Distillation::kToken, "token"},
      {Distillation::kHead, "head"}};
};

struct VitOptions : StackOptions {
  int64_t classes = 10;  ///< K; 0: the encoder alone
  int64_t image_size = 28;
  int64_t image_width = 0;  ///< 0: as image_size, which is then the height
  int64_t channels = 1;
  int64_t patch_size = 4;
  int64_t patch_width = 0;  ///< 0: as patch_size, which is then the height
  GridPositionKind position = GridPositionKind::kLearned;
  VitPooling pooling = VitPooling::kClassToken;
  Distillation distillation = Distillation::kNone;
  PatchMethod patch_method = PatchMethod::kConvolution;
  bool patch_bias = true;
  bool embedding_norm = false;  ///< CLIP: a norm before the first layer as well
  bool pooler = false;          ///< of an encoder alone: a layer with tanh on the class token
  bool mask_token = false;      ///< a learned token in place of patches that are masked
  double dropout = 0.0;         ///< on the embeddings and on each sub-layer's output

  VitOptions() {
    layers = 6;
    d_model = 64;
    norm_epsilon = 1e-6;
  }

  static VitOptions pixels28();      ///< classroom, gray images of 28 x 28: 0.2 M
  static VitOptions pixels32();      ///< classroom, colour images of 32 x 32: 0.2 M
  static VitOptions tiny16();        ///< Touvron et al. 2020, Table 1: 5.7 M
  static VitOptions small16();       ///< 22 M
  static VitOptions base16();        ///< Dosovitskiy et al. 2020, Table 1: 86 M
  static VitOptions base32();        ///< 88 M
  static VitOptions large16();       ///< 304 M
  static VitOptions huge14();        ///< 632 M
  static VitOptions deit_tiny();     ///< Touvron et al. 2020, Table 1, with the second token
  static VitOptions deit_small();    ///< 22 M
  static VitOptions deit_base();     ///< 87 M
  static VitOptions dinov2_small();  ///< Oquab et al. 2023, Table 17: 22 M
  static VitOptions dinov2_base();   ///< 87 M
  static VitOptions dinov2_large();  ///< 304 M
  static VitOptions dinov2_giant();  ///< 1.1 G, with gates
  /// By name, as on the command line ("deit-tiny"); throws std::invalid_argument with the known
  /// names.
  static VitOptions preset(std::string_view name);
};

/// One list of fields for command lines, recipes and config.json's "zoo".
template <class Visitor>
void visit(VitOptions& o, Visitor&& v) {
  v("image-size", o.image_size, "Height of the images, and their width");
  v("image-width", o.image_width, "Width of the images (0: as image-size)");
  v("channels", o.channels, "Of the images: 1 gray, 3 colour");
  v("patch-size", o.patch_size, "Height of a patch, and its width");
  v("patch-width", o.patch_width, "Width of a patch (0: as patch-size)");
  visit_stack(o, {"residual-dropout"}, v);
  v("position", o.position, "How tokens know their positions");
  v("pooling", o.pooling, "How the tokens become one vector");
  v("distillation", o.distillation, "DeiT's second token, alone or with its head");
  v("patch-method", o.patch_method, "How patches are projected; the numbers are the same");
  v("patch-bias", o.patch_bias, "A bias on the patches' projection");
  v("embedding-norm", o.embedding_norm, "CLIP: a norm before the first layer");
  v("pooler", o.pooler, "Of an encoder alone: a layer with tanh on the class token");
  v("mask-token", o.mask_token, "A learned token for masked patches");
  v("dropout", o.dropout, "Dropout on the embeddings and each sub-layer's output");
}

/// Throws OptionError for values that no model can have, std::invalid_argument for a model that
/// does not fit this machine.
void check(const VitOptions& options);

/// The options with the sizes that 0 leaves open filled in.
VitOptions resolved(VitOptions options);

/// Patches of an image of the size that the options name.
Grid grid_of(const VitOptions& options);
/// Tokens before the patches: class token, distillation token.
int64_t prefix_tokens(const VitOptions& options);
/// Of what pooling gives: C, or 2 C.
int64_t pooled_width(const VitOptions& options);

/// The attention and the feed-forward network of a block, over all tokens.
AttentionPoolingOptions pooling_options(const VitOptions& options);

/// What one pass needs besides the pixels; all optional.
struct VitContext {
  bool interpolate = false;   ///< images may have another size than the model's
  torch::Tensor masked = {};  ///< bool [B, P]: patches that the mask token stands for
  Trace* trace = nullptr;
};

/// Scores of DeiT's two heads, [B, K] each; the second is undefined without distillation head.
struct VitLogits {
  torch::Tensor by_class_token, by_distillation_token;
};

class VitImpl : public ImageClassifier {
 public:
  /// Throws as check() does.
  explicit VitImpl(const VitOptions& options);
  /// pixels [B, channels, H, W] -> [B, K]
  torch::Tensor forward(const torch::Tensor& pixels) override;
  /// pixels -> [B, T, C], T = prefix_tokens + patches: what the last layer gives
  torch::Tensor encode(const torch::Tensor& pixels, const VitContext& context = {});
  /// [B, T, C] of encode -> the same, normed (pre-norm): what heads read
  torch::Tensor hidden_of(const torch::Tensor& encoded);
  /// pixels -> [B, T, C]: what the first layer reads
  torch::Tensor embed(const torch::Tensor& pixels, const VitContext& context = {});
  /// hidden [B, T, C] -> [B, pooled_width]: the image as options.pooling says
  torch::Tensor pool(const torch::Tensor& hidden);
  /// hidden [B, T, C] -> scores of each head
  VitLogits heads_of(const torch::Tensor& hidden);
  /// hidden [B, T, C] -> [B, K]; of two heads the mean, as DeiT predicts
  torch::Tensor logits_of(const torch::Tensor& hidden);
  /// hidden [B, T, C] -> [B, C]: the class token through the layer with tanh
  torch::Tensor pooler_output(const torch::Tensor& hidden);

  int64_t classes() const override { return options.classes; }
  int64_t channels() const override { return options.channels; }
  int64_t image_height() const override { return options.image_size; }
  int64_t image_width() const override { return options.image_width; }

  VitOptions options;  // zeros replaced by what they stand for
  PatchEmbedding patch_embedding{nullptr};
  torch::Tensor class_token, distillation_token, mask_token;  // [C]; undefined where there is none
  std::shared_ptr<GridPosition> position;
  Dropout embedding_dropout{nullptr};
  Norm embedding_norm{nullptr};
  torch::nn::ModuleList blocks{nullptr};
  Norm final_norm{nullptr};  // empty with post-norm
  AttentionPooling attention_pooling{nullptr};
  torch::nn::Linear pooler{nullptr};                            // [C, C]
  torch::nn::Linear head{nullptr}, distillation_head{nullptr};  // [K, pooled_width], [K, C]

 private:
  /// The grid of these images; throws c10::Error for another than the model's, unless told to
  /// interpolate.
  Grid grid_for(const torch::Tensor& pixels, bool interpolate) const;
  void initialise();
};
TORCH_MODULE(Vit);

}  // namespace zoo
