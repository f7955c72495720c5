// forward for models that say what an image shows.
#include "models/pretrained/vision/vision_forward.h"

#include <fmt/format.h>

#include "models/pretrained/registry/model_inputs.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "models/vision/cct.h"

namespace zoo {
namespace {

/// As transformers with interpolate_pos_encoding=True where an image has another size.
torch::Tensor read_pixels(const ModelInputs& inputs, const VitOptions& options) {
  const VitOptions o = resolved(options);
  const auto pixels = inputs.pixels("pixel_values", o.channels);  // [B, channels, H, W]
  if (pixels.size(2) < o.patch_size || pixels.size(3) < o.patch_width) {
    inputs.refuse(fmt::format("pixel_values are {} x {}, smaller than a patch of {} x {}",
                              pixels.size(2), pixels.size(3), o.patch_size, o.patch_width));
  }
  return pixels;
}

void add_heads(VitImpl& model, const torch::Tensor& hidden, ForwardOutputs& outputs) {
  if (model.pooler) outputs["pooler_output"] = model.pooler_output(hidden);
  if (model.classes() == 0) return;
  outputs["logits"] = model.logits_of(hidden);
  const auto heads = model.heads_of(hidden);
  if (!heads.by_distillation_token.defined()) return;
  outputs["cls_logits"] = heads.by_class_token;
  outputs["distillation_logits"] = heads.by_distillation_token;
}

}  // namespace

ForwardOutputs forward_vit(const ForwardRequest& request, const SafetensorsReader& file) {
  const VitConfig config = read_vit_config(request.model);
  std::vector<std::string> optional;
  if (config.options.mask_token) optional.emplace_back("bool_masked_pos");
  const ModelInputs inputs(file, {"pixel_values"}, optional);
  const auto pixels = read_pixels(inputs, config.options);
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  Vit model = load_vit(request.model, {.device = request.device, .attention = request.kernel()});
  const torch::NoGradGuard no_grad;
  VitContext context{.interpolate = true, .trace = &trace};
  if (inputs.contains("bool_masked_pos")) {
    const VitOptions& o = model->options;
    const int64_t P = (pixels.size(2) / o.patch_size) * (pixels.size(3) / o.patch_width);
    context.masked = inputs.mask("bool_masked_pos", {pixels.size(0), P}).to(request.device);
  }
  const auto encoded = model->encode(pixels.to(request.device), context);
  const auto hidden = model->hidden_of(encoded);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["last_hidden_state"] = hidden;
  add_heads(*model, hidden, outputs);
  // DINOv2's class is read at its class token, without a layer.
  if (config.layout == VitLayout::kDinov2 && model->classes() == 0)
    outputs["pooler_output"] = model->pool(hidden);
  return outputs;
}

ForwardOutputs forward_image(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"pixel_values"}, {});
  const auto loaded = load_image_classifier(
      request.model, {.device = request.device, .attention = request.kernel()});
  auto& model = *loaded.model;
  const auto pixels = inputs.pixels("pixel_values", model.channels());
  if (pixels.size(2) != model.image_height() || pixels.size(3) != model.image_width()) {
    inputs.refuse(fmt::format("pixel_values are {} x {}, but the model's images {} x {}",
                              pixels.size(2), pixels.size(3), model.image_height(),
                              model.image_width()));
  }
  const torch::NoGradGuard no_grad;
  const auto on_device = pixels.to(request.device);
  auto* const cct = dynamic_cast<CctImpl*>(&model);
  if (cct == nullptr) {
    if (request.hidden_states || request.attentions)
      inputs.refuse("a model without layers has no hidden states or attentions to give out");
    return {{"logits", model.forward(on_device)}};
  }
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  const auto hidden = cct->hidden(on_device, &trace);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["last_hidden_state"] = hidden;
  outputs["logits"] = cct->head(cct->pool(hidden));
  return outputs;
}

}  // namespace zoo
