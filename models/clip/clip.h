// CLIP: images and texts in one space. Radford et al. 2021 (arXiv:2103.00020), §2.4: an image
// tower, a text tower, and a projection behind each; what belongs together has a large cosine. By
// options also SigLIP (Zhai et al. 2023, arXiv:2303.15343). Differs from the paper: the residual
// network of the image tower is that of cnn.h.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <string>
#include <string_view>

#include "models/gpt/gpt.h"
#include "models/vision/cnn.h"
#include "models/vision/vit.h"

namespace zoo {

enum class ClipTowers { kBoth, kImage, kText };
template <>
struct EnumNames<ClipTowers> {
  static constexpr std::string_view what = "towers";
  static constexpr std::pair<ClipTowers, std::string_view> values[] = {
      {ClipTowers::kBoth, "both"}, {ClipTowers::kImage, "image"}, {ClipTowers::kText, "text"}};
};

enum class ImageTower { kVit, kCnn };
template <>
struct EnumNames<ImageTower> {
  static constexpr std::string_view what = "image tower";
  static constexpr std::pair<ImageTower, std::string_view> values[] = {{ImageTower::kVit, "vit"},
                                                                       {ImageTower::kCnn, "cnn"}};
};

/// Where a text is read: at its end token, or at the last place, whatever stands there.
enum class ClipTextPooling { kEndToken, kLast };
template <>
struct EnumNames<ClipTextPooling> {
  static constexpr std::string_view what = "text pooling";
  static constexpr std::pair<ClipTextPooling, std::string_view> values[] = {
      {ClipTextPooling::kEndToken, "end-token"}, {ClipTextPooling::kLast, "last"}};
};

struct ClipOptions {
  ClipTowers towers = ClipTowers::kBoth;
  ImageTower image_tower = ImageTower::kVit;
  VitOptions image = clip_vit();  ///< its image size and channels hold for a Cnn as well
  int64_t cnn_blocks = 1;         ///< of a Cnn, as CnnOptions
  int64_t cnn_width = 16;
  GptOptions text = clip_gpt();  ///< a decoder, read at one token
  int64_t projection = 64;       ///< E: width of the common space
  bool image_projection = true;  ///< false: pictures lie in it as their tower leaves them
  bool projection_bias = false;  ///< on the projections
  bool text_causal = true;       ///< false: the text tower sees both sides
  ClipTextPooling text_pooling = ClipTextPooling::kEndToken;
  /// A text is read at its first token with this id. -1: at the largest id, as OpenAI's vocabulary
  /// allows, where the token that ends a text is the last one.
  int64_t end_token = -1;
  double logit_scale = 2.6592;  ///< first value of ln(1 / temperature): 1 / 0.07 (§2.5)
  bool has_logit_bias = false;  ///< SigLIP's b
  double logit_bias = -10.0;    ///< its first value

  static ClipOptions tiny();     ///< classroom, colour images of 32 x 32: 0.5 M with 512 words
  static ClipOptions base32();   ///< Radford et al. 2021, Table 20: 151 M
  static ClipOptions base16();   ///< 150 M
  static ClipOptions large14();  ///< 428 M
  static ClipOptions siglip_base16();  ///< Zhai et al. 2023, §4.1: 203 M
  /// By name, as on the command line; throws std::invalid_argument with the known names.
  static ClipOptions preset(std::string_view name);

  /// What CLIP's own towers have and other models do not.
  static VitOptions clip_vit();
  static GptOptions clip_gpt();
};

/// One list of fields for command lines, recipes and config.json's "zoo". The towers' fields begin
/// with "image-" and "text-"; those that would mean nothing here are left out.
template <class Visitor>
void visit(ClipOptions& o, Visitor&& v) {
  v("towers", o.towers, "Which towers the model has");
  v("image-tower", o.image_tower, "What looks at images");
  visit(o.image, [&](std::string_view name, auto& field, std::string_view help) {
    if (name == "pooler" || name == "distillation" || name == "mask-token") return;
    const std::string prefix = name.starts_with("image-") ? "" : "image-";
    v(prefix + std::string(name), field, std::string(help));
  });
  v("cnn-blocks", o.cnn_blocks, "Blocks of each stage of a CNN");
  v("cnn-width", o.cnn_width, "Channels of the first stage of a CNN");
  visit(o.text, [&](std::string_view name, auto& field, std::string_view help) {
    if (name == "tie-embeddings" || name == "output-bias" || name == "logit-cap") return;
    v("text-" + std::string(name), field, std::string(help));
  });
  v("text-causal", o.text_causal, "The text tower looks back alone");
  v("text-pooling", o.text_pooling, "Where a text is read");
  v("projection", o.projection, "E: width of the common space");
  v("image-projection", o.image_projection, "A projection behind the image tower");
  v("projection-bias", o.projection_bias, "Biases on the projections");
  v("logit-scale", o.logit_scale, "First value of ln(1 / temperature)");
  v("has-logit-bias", o.has_logit_bias, "A learned bias on the scores, as SigLIP has");
  v("logit-bias", o.logit_bias, "Its first value");
}

/// Throws OptionError for values that no model can have, std::invalid_argument for a model that
/// does not fit this machine. The vocabulary is not checked.
void check(const ClipOptions& options);
/// The options with the sizes that 0 leaves open filled in.
ClipOptions resolved(ClipOptions options);
/// The image tower where it is a Cnn.
CnnOptions cnn_options(const ClipOptions& options);

/// What the text tower needs besides the tokens; all optional.
struct ClipTextContext {
  torch::Tensor positions = {};  ///< [B, T] or [1, T] int64; unset: 0 .. T - 1
  AttendArgs args = {};          ///< padding; causal is added
  Trace* trace = nullptr;
};

class ClipImpl : public torch::nn::Module {
 public:
  explicit ClipImpl(const ClipOptions& options);
  /// pixels [B, channels, H, W] -> [B, E] of length one
  torch::Tensor embed_images(const torch::Tensor& pixels);
  /// tokens [B, T] int64, with the end token -> [B, E] of length one
  torch::Tensor embed_texts(const torch::Tensor& tokens, const ClipTextContext& context = {});
  /// images [B, E], texts [N, E] -> [B, N]: exp(logit_scale) times the cosine, and the bias
  torch::Tensor logits_per_image(const torch::Tensor& images, const torch::Tensor& texts) const;
  /// To be called after each update: a temperature below 1 / 100 made training unstable (§2.5).
  void clamp_logit_scale();

  /// tokens -> [B, T, C] after the last norm; hidden states of the trace are those before it
  torch::Tensor text_hidden(const torch::Tensor& tokens, const ClipTextContext& context = {});
  /// hidden [B, T, C], tokens [B, T] -> [B, C]: each text where it is read
  torch::Tensor text_pool(const torch::Tensor& hidden, const torch::Tensor& tokens) const;
  /// Features of a tower [B, C] -> [B, E]
  torch::Tensor map_images(const torch::Tensor& features);
  torch::Tensor map_texts(const torch::Tensor& features);
  /// The same, of length one
  torch::Tensor project_images(const torch::Tensor& features);
  torch::Tensor project_texts(const torch::Tensor& features);

  ClipOptions options;     // zeros replaced by what they stand for
  Vit image{nullptr};      // empty for a Cnn, or without image tower
  Cnn image_cnn{nullptr};  // empty for a Vit, or without image tower
  Gpt text{nullptr};       // empty without text tower
  torch::nn::Linear image_projection{nullptr}, text_projection{nullptr};  // [E, C], or empty
  torch::Tensor logit_scale, logit_bias;  // []; undefined with one tower, or without bias
};
TORCH_MODULE(Clip);

}  // namespace zoo
