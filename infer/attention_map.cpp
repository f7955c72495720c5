// Weights out of the model, their summary, and their pictures.
#include "infer/attention_map.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include "app/files.h"

namespace zoo {

std::vector<torch::Tensor> attention_weights(Gpt& model, const std::vector<int64_t>& tokens) {
  const torch::NoGradGuard no_grad;
  check_token_ids(torch::tensor(tokens, torch::kLong), model->options.vocab_size, "attention_map");
  Trace trace{.attentions = true, .tensors = {}};
  const auto device = model->token_embedding->weight.device();
  model->hidden(torch::tensor(tokens, torch::kLong).unsqueeze(0).to(device), {.trace = &trace});
  std::vector<torch::Tensor> layers;
  for (int64_t n = 0; n < model->options.layers; ++n) {
    const auto& weights = trace.tensors.at("attentions." + std::to_string(n));
    layers.push_back(weights[0].to(torch::kCPU, torch::kFloat).contiguous());  // [H, T, T]
  }
  return layers;
}

HeadSummary summarise_head(const torch::Tensor& weights) {
  const int64_t T = weights.size(0);
  if (T < 2) return {.to_self = 1, .to_first = 1};
  const auto w = weights.to(torch::kDouble);
  const auto mean = [](const torch::Tensor& per_query) { return per_query.mean().item<double>(); };
  const auto bits = -(w * w.clamp_min(1e-300).log2()).sum(-1);  // [T]
  const auto visible = torch::arange(2, T + 1, torch::kDouble);
  return {.entropy = mean(bits.slice(0, 1)),
          .most_entropy = mean(visible.log2()),
          .to_self = mean(w.diagonal().slice(0, 1)),
          .to_previous = mean(w.diagonal(-1)),
          .to_first = mean(w.select(1, 0).slice(0, 1))};
}

Image draw_head(const torch::Tensor& weights, int cell) {
  constexpr std::array<uint8_t, 3> kFuture = {222, 225, 231};  // a pale grey, not in the scale
  const auto T = static_cast<int>(weights.size(0));
  const auto shown = weights.to(torch::kFloat).clamp(0, 1).sqrt().contiguous();
  const auto count = static_cast<size_t>(shown.numel());
  Image image = heat_map({shown.data_ptr<float>(), count}, T, T, 0, 1, cell);
  for (int y = 0; y < image.height; ++y) {
    for (int x = (y / cell + 1) * cell; x < image.width; ++x) {
      std::copy(kFuture.begin(), kFuture.end(),
                image.rgb.begin() + (static_cast<ptrdiff_t>(y) * image.width + x) * 3);
    }
  }
  return image;
}

std::vector<std::filesystem::path> write_attention_map(const std::filesystem::path& folder,
                                                       const std::string& page,
                                                       const std::vector<torch::Tensor>& layers) {
  std::error_code error;
  std::filesystem::create_directories(folder / "heads", error);
  if (error) {
    throw std::runtime_error(
        fmt::format("cannot make folder '{}': {}", folder.string(), error.message()));
  }
  std::vector<std::filesystem::path> paths = {folder / "attention.html"};
  write_file(paths[0], page);
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const int64_t H = layers[layer].size(0), T = layers[layer].size(1);
    const int cell = static_cast<int>(std::clamp<int64_t>(320 / T, 1, 16));
    std::vector<Image> heads;
    for (int64_t head = 0; head < H; ++head) heads.push_back(draw_head(layers[layer][head], cell));
    const auto columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(H))));
    paths.push_back(folder / fmt::format("layer-{}.png", layer));
    write_png(paths.back(), contact_sheet(heads, columns));
    for (int64_t head = 0; head < H; ++head) {
      paths.push_back(folder / "heads" / fmt::format("layer-{}-head-{}.png", layer, head));
      write_png(paths.back(), heads[static_cast<size_t>(head)]);
    }
  }
  return paths;
}

}  // namespace zoo
