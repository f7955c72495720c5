// CLIP's two towers and their projections.
#include "models/cost/clip_cost.h"

#include "models/cost/gpt_cost.h"
#include "models/cost/vision_cost.h"

namespace zoo {

ModelCost cost_of(const ClipOptions& options, int64_t length) {
  const ClipOptions o = resolved(options);
  ModelCost cost;
  if (o.towers != ClipTowers::kText) {
    const bool vit = o.image_tower == ImageTower::kVit;
    const double width = vit ? double(pooled_width(o.image)) : 4 * double(o.cnn_width);
    cost += vit ? cost_of(o.image) : cost_of(cnn_options(o));
    if (o.image_projection) cost += linear_cost(1, width, double(o.projection), o.projection_bias);
  }
  if (o.towers != ClipTowers::kImage) {
    ModelCost text = cost_of(o.text, length);
    text.forward_flops -=
        text.output_flops;  // the tower is read at one token, without scores of words
    text.output_flops = text.cache_values_per_token = text.cache_values = 0;
    cost += text + linear_cost(1, double(o.text.d_model), double(o.projection), o.projection_bias);
  }
  if (o.towers == ClipTowers::kBoth) cost.parameters += o.has_logit_bias ? 2 : 1;
  return cost;
}

}  // namespace zoo
