// forward for CLIP: two towers, or one.
#include "models/pretrained/clip/clip_forward.h"

#include <fmt/format.h>

#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/registry/model_inputs.h"

namespace zoo {
namespace {

struct Wanted {
  bool images = false, texts = false;
};

/// What the file brings must be what the model has towers for; one of two is enough.
Wanted wanted_of(const ModelInputs& inputs, ClipTowers towers) {
  const Wanted wanted{.images = inputs.contains("pixel_values"),
                      .texts = inputs.contains("input_ids")};
  if (!wanted.images && !wanted.texts)
    inputs.refuse(towers == ClipTowers::kBoth ? "neither pixel_values nor input_ids"
                                              : "no input for the model's one tower");
  if (!wanted.texts && (inputs.contains("attention_mask") || inputs.contains("position_ids")))
    inputs.refuse("attention_mask and position_ids belong to input_ids, which are missing");
  return wanted;
}

ModelInputs inputs_of(const SafetensorsReader& file, ClipTowers towers) {
  switch (towers) {
    case ClipTowers::kImage:
      return {file, {"pixel_values"}, {}};
    case ClipTowers::kText:
      return {file, {"input_ids"}, {"attention_mask", "position_ids"}};
    case ClipTowers::kBoth:
      break;
  }
  return {file, {}, {"pixel_values", "input_ids", "attention_mask", "position_ids"}};
}

/// As transformers with interpolate_pos_encoding=True where an image has another size.
torch::Tensor read_pixels(const ModelInputs& inputs, const ClipOptions& options) {
  const VitOptions& o = options.image;
  const auto pixels = inputs.pixels("pixel_values", o.channels);
  const bool same = pixels.size(2) == o.image_size && pixels.size(3) == o.image_width;
  const bool has_patch = pixels.size(2) >= o.patch_size && pixels.size(3) >= o.patch_width;
  if (!same && (options.image_tower == ImageTower::kCnn || !has_patch)) {
    inputs.refuse(fmt::format("pixel_values are {} x {}, but the model's images {} x {}",
                              pixels.size(2), pixels.size(3), o.image_size, o.image_width));
  }
  return pixels;
}

// As the reference's: of CLIPModel embeddings have length one, of its towers alone they have not.

torch::Tensor embed_images(ClipImpl& model, const torch::Tensor& pixels, Trace& trace,
                           ForwardOutputs& outputs) {
  const bool both = model.options.towers == ClipTowers::kBoth;
  if (!model.image) {
    return both ? model.embed_images(pixels) : model.map_images(model.image_cnn->features(pixels));
  }
  Trace of_tower{
      .hidden_states = trace.hidden_states, .attentions = trace.attentions, .tensors = {}};
  const auto encoded = model.image->encode(pixels, {.interpolate = true, .trace = &of_tower});
  for (const auto& [name, tensor] : of_tower.tensors)
    trace.tensors[(both ? "vision_" : "") + name] = tensor;
  if (!both) outputs["last_hidden_state"] = encoded;  // before the last norm, as the reference's
  const auto features = model.image->pool(model.image->hidden_of(encoded));  // [B, C]
  return both ? model.project_images(features) : model.map_images(features);
}

torch::Tensor embed_texts(ClipImpl& model, const ModelInputs& inputs, torch::Device device,
                          Trace& trace, ForwardOutputs& outputs) {
  const GptOptions& o = model.options.text;
  const auto ids = inputs.tokens("input_ids", o.vocab_size, o.context);  // [B, T]
  ClipTextContext context{.trace = &trace};
  context.args = inputs.hiding("attention_mask", ids, device, o);
  if (inputs.contains("position_ids")) {
    context.positions =
        inputs.ids_beside(ids, "position_ids", o.context, "the model's positions, of which it has");
  }
  const auto tokens = ids.to(device);
  const auto hidden = model.text_hidden(tokens, context);  // [B, T, C]
  const auto features = model.text_pool(hidden, tokens);   // [B, C]
  if (model.options.towers == ClipTowers::kBoth) return model.project_texts(features);
  outputs["last_hidden_state"] = hidden;
  return model.map_texts(features);
}

}  // namespace

ForwardOutputs forward_clip(const ForwardRequest& request, const SafetensorsReader& file) {
  const ClipOptions options = resolved(read_clip_config(request.model).options);
  const ModelInputs inputs = inputs_of(file, options.towers);
  const auto [images, texts] = wanted_of(inputs, options.towers);
  const auto pixels = images ? read_pixels(inputs, options) : torch::Tensor();
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  Clip model = load_clip(request.model, {.device = request.device, .attention = request.kernel()});
  const torch::NoGradGuard no_grad;
  ForwardOutputs outputs;
  if (images)
    outputs["image_embeds"] = embed_images(*model, pixels.to(request.device), trace, outputs);
  if (texts) outputs["text_embeds"] = embed_texts(*model, inputs, request.device, trace, outputs);
  if (images && texts) {
    const auto logits =
        model->logits_per_image(outputs.at("image_embeds"), outputs.at("text_embeds"));
    outputs["logits_per_image"] = logits;
    outputs["logits_per_text"] = logits.t();
  }
  outputs.merge(trace.tensors);
  return outputs;
}

}  // namespace zoo
