#include "infer/vision/image_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "infer/vision/attention_rollout.h"
#include "models/layers/stack.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/vision/vit.h"

namespace zoo {

ImageLabeller::ImageLabeller(const std::filesystem::path& folder, torch::Device device,
                             const std::string& attention)
    : device_(device) {
  auto loaded = load_image_classifier(folder, {.device = device, .attention = attention});
  model_ = std::move(loaded.model);
  labels_ = std::move(loaded.labels);
  function_ = read_score_function(folder, std::ssize(labels_));
  pixels_.emplace(folder, model_->channels(), model_->image_height(), model_->image_width());
}

torch::Tensor ImageLabeller::pixel_values(const Image& image) const { return pixels_->of(image); }

std::vector<ImageLabel> ImageLabeller::label(const torch::Tensor& pixels, int64_t top) {
  const torch::NoGradGuard no_grad;
  const auto logits = model_->forward(pixels.to(device_)).to(torch::kDouble).squeeze(0).cpu();
  const auto scores = scores_of(logits, function_);  // [K]
  const auto [best, classes] = scores.topk(std::min(top, scores.size(0)));
  std::vector<ImageLabel> labels;
  for (int64_t k = 0; k < best.size(0); ++k) {
    labels.push_back({.label = labels_[static_cast<size_t>(classes[k].item<int64_t>())],
                      .score = best[k].item<double>()});
  }
  return labels;
}

Rollout ImageLabeller::rollout(const Image& image) {
  auto* vit = dynamic_cast<VitImpl*>(model_.get());
  if (vit == nullptr)
    throw std::runtime_error("--page needs a ViT: the other models do not attend by patches");
  const torch::NoGradGuard no_grad;
  Trace trace{.attentions = true, .tensors = {}};
  require_softmax_attention(vit->blocks);
  vit->encode(pixel_values(image).to(device_), {.trace = &trace});
  std::vector<torch::Tensor> layers;
  for (int64_t layer = 0; layer < vit->options.layers; ++layer)
    layers.push_back(trace.tensors.at(fmt::format("attentions.{}", layer))[0].cpu());  // [H, T, T]
  const auto flow = attention_rollout(layers);                                         // [T, T]
  const int64_t prefix = prefix_tokens(vit->options);
  const Grid grid = grid_of(vit->options);
  // What the head reads: the class token, or of all tokens the mean.
  const auto answer = prefix > 0 ? flow[0] : flow.slice(0, prefix).mean(0);  // [T]
  const auto shares = answer.slice(0, prefix).view({grid.rows, grid.columns});
  return {.seen = resized_and_cropped(image, pixels_->steps()), .shares = shares};
}

}  // namespace zoo
