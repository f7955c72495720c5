// Weights out of the model, their summary, and their pictures.
#include "infer/analysis/attention_map.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include "base/files.h"
#include "base/text_file.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char *kPage = "attention.html", *kHeads = "heads";

}  // namespace

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

void require_map_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool picture = name.starts_with("layer-") && name.ends_with(".png");
    if (picture || name == kPage || name == kHeads || is_system_name(name)) continue;
    throw std::runtime_error(
        fmt::format("--out {}: the folder holds '{}', which is no part of an attention map; name a "
                    "new folder",
                    folder.string(), name));
  }
  if (error)
    throw std::runtime_error(fmt::format("--out {}: {}", folder.string(), error.message()));
}

std::vector<fs::path> write_attention_map(const fs::path& folder, const std::string& page,
                                          const std::vector<torch::Tensor>& layers) {
  require_map_folder(folder);
  std::vector<fs::path> names = {kPage};
  write_folder(folder, [&](const fs::path& unfinished) {
    fs::create_directory(unfinished / kHeads);
    write_file(unfinished / kPage, page);
    const auto write = [&](const fs::path& name, const Image& image) {
      write_png(unfinished / name, image);
      names.push_back(name);
    };
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      const int64_t H = layers[layer].size(0), T = layers[layer].size(1);
      const int cell = static_cast<int>(std::clamp<int64_t>(320 / T, 1, 16));
      std::vector<Image> heads;
      for (int64_t head = 0; head < H; ++head)
        heads.push_back(draw_head(layers[layer][head], cell));
      const auto columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(H))));
      write(fmt::format("layer-{}.png", layer), contact_sheet(heads, columns));
      for (size_t head = 0; head < heads.size(); ++head)
        write(fs::path(kHeads) / fmt::format("layer-{}-head-{}.png", layer, head), heads[head]);
    }
  });
  std::vector<fs::path> paths;
  for (const auto& name : names) paths.push_back(folder / name);
  return paths;
}

}  // namespace zoo
