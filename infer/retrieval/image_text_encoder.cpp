#include "infer/retrieval/image_text_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/text_file.h"
#include "infer/retrieval/clip_texts.h"
#include "models/pretrained/clip/clip_checkpoint.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool is_picture(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

}  // namespace

ImageTextEncoder::ImageTextEncoder(const fs::path& folder, torch::Device device,
                                   const std::string& attention)
    : device_(device),
      clip_(load_text_model(
          folder,
          [&](const fs::path& path) {
            return load_clip(path, {.device = device, .attention = attention});
          },
          [](const ClipImpl& model) { return model.options.text.vocab_size; })),
      end_(clip_.model->options.end_token >= 0 ? clip_.model->options.end_token
                                               : text_end_id(*clip_.tokenizer)) {
  if (clip_.model->options.towers != ClipTowers::kBoth) {
    throw std::runtime_error(fmt::format(
        "{}: the model has one tower only; matching needs pictures and texts", folder.string()));
  }
  const VitOptions shape = resolved(clip_.model->options.image);
  pixels_.emplace(folder, shape.channels, shape.image_size, shape.image_width);
}

torch::Tensor ImageTextEncoder::encode_image(const Image& image) {
  const torch::NoGradGuard no_grad;
  return clip_.model->embed_images(pixels_->of(image).to(device_)).cpu();
}

torch::Tensor ImageTextEncoder::encode_texts(const std::vector<std::string>& texts,
                                             const std::vector<std::string>& sentences) {
  const torch::NoGradGuard no_grad;
  return embed_clip_names(*clip_.model, *clip_.tokenizer, texts, sentences, end_).cpu();
}

torch::Tensor ImageTextEncoder::probabilities(const torch::Tensor& images,
                                              const torch::Tensor& texts) const {
  const torch::NoGradGuard no_grad;
  const auto logits = clip_.model->logits_per_image(images.to(device_), texts.to(device_));
  // With SigLIP's loss each pair is judged for itself, as pipelines in Python say of it.
  const bool each = clip_.model->options.has_logit_bias;
  return (each ? logits.sigmoid() : logits.softmax(-1)).cpu();
}

std::vector<fs::path> pictures_below(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw std::runtime_error(fmt::format("{}: no such folder of pictures", folder.string()));
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
    const bool hidden = is_system_name(entry->path());
    if (hidden && entry->is_directory()) entry.disable_recursion_pending();
    if (!hidden && entry->is_regular_file() && is_picture(entry->path()))
      files.push_back(entry->path());
  }
  if (files.empty()) {
    throw std::runtime_error(fmt::format("{}: holds no .png, .jpg or .jpeg file", folder.string()));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace zoo
