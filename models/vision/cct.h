// CCT: a vision transformer for small data sets. Hassani et al. 2021 (arXiv:2104.05704): tokens
// come from overlapping convolutions with pooling (§3.3), and the sequence becomes one vector by
// learned weights instead of a class token (§3.2). Differs from the paper: first weights are
// normal, not truncated normal.
#pragma once
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <string_view>

#include "models/layers/dropout.h"
#include "models/layers/stack_options.h"
#include "models/positions/grid.h"
#include "models/vision/image_classifier.h"

namespace zoo {

/// Width of the tokenizer's convolutions before the last.
inline constexpr int64_t kCctInnerChannels = 64;

struct CctOptions : StackOptions {
  int64_t classes = 10;  ///< K
  int64_t image_size = 28;
  int64_t image_width = 0;  ///< 0: as image_size, which is then the height
  int64_t channels = 1;
  int64_t convolutions = 2;  ///< of the tokenizer; each halves the image
  int64_t kernel = 3;        ///< their size, odd
  GridPositionKind position = GridPositionKind::kLearned;
  double dropout = 0.0;  ///< on the embeddings and on each sub-layer's output

  CctOptions() {
    layers = heads = 2;
    qkv_bias = false;
    attention_dropout = drop_path = 0.1;
  }

  static CctOptions cct_2_3x2();  ///< Hassani et al. 2021, Table 1: 0.28 M for 32 x 32 colour
  static CctOptions cct_7_3x1();  ///< 3.76 M
  /// By name, as on the command line ("cct-7-3x1"); throws std::invalid_argument with the known
  /// names.
  static CctOptions preset(std::string_view name);
};

template <class Visitor>
void visit(CctOptions& o, Visitor&& v) {
  v("image-size", o.image_size, "Height of the images, and their width");
  v("image-width", o.image_width, "Width of the images (0: as image-size)");
  v("channels", o.channels, "Of the images: 1 gray, 3 colour");
  v("convolutions", o.convolutions, "Convolutions of the tokenizer, each with a pooling");
  v("kernel", o.kernel, "Their size, odd");
  visit_stack(o, {"qkv-bias", "residual-dropout"}, v);
  v("position", o.position, "How tokens know their positions");
  v("dropout", o.dropout, "Dropout on the embeddings and each sub-layer's output");
}

/// Throws OptionError for values that no model can have, std::invalid_argument for a model that
/// does not fit this machine.
void check(const CctOptions& options);
/// The options with the sizes that 0 leaves open filled in; feed_forward as d_model.
CctOptions resolved(CctOptions options);
/// Tokens that the tokenizer makes of an image.
Grid grid_of(const CctOptions& options);

class CctImpl : public ImageClassifier {
 public:
  explicit CctImpl(const CctOptions& options);
  /// pixels [B, channels, H, W] -> [B, K]
  torch::Tensor forward(const torch::Tensor& pixels) override;
  /// pixels -> [B, T, C]: tokens, with their positions
  torch::Tensor embed(const torch::Tensor& pixels);
  /// pixels -> [B, T, C]: what the last norm gives
  torch::Tensor hidden(const torch::Tensor& pixels, Trace* trace = nullptr);
  /// hidden [B, T, C] -> [B, C]: the mean with learned weights. Eq. 3 to 6
  torch::Tensor pool(const torch::Tensor& hidden);

  int64_t classes() const override { return options.classes; }
  int64_t channels() const override { return options.channels; }
  int64_t image_height() const override { return options.image_size; }
  int64_t image_width() const override { return options.image_width; }

  CctOptions options;                           // zeros replaced by what they stand for
  torch::nn::ModuleList convolutions{nullptr};  // the last one gives C channels
  std::shared_ptr<GridPosition> position;
  Dropout embedding_dropout{nullptr};
  torch::nn::ModuleList blocks{nullptr};
  Norm final_norm{nullptr};            // empty with post-norm
  torch::nn::Linear pooling{nullptr};  // [1, C]
  torch::nn::Linear head{nullptr};     // [K, C]

 private:
  void initialise();
};
TORCH_MODULE(Cct);

}  // namespace zoo
