#include "train/clip/clip_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/interrupt.h"
#include "base/printable.h"
#include "infer/retrieval/clip_texts.h"
#include "models/batching/random.h"
#include "models/layers/auxiliary_losses.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "train/data/fingerprint.h"
#include "train/objectives/gradient_cache.h"
#include "train/objectives/meter.h"
#include "train/objectives/retrieval.h"

namespace zoo {
namespace {

constexpr int64_t kEvaluationBatch = 256;  // examples that evaluation embeds at once

/// Pairs all cost the same: batches are cut by their number alone.
BucketedBatches make_batches(const CaptionedImages& data, const ClipTaskOptions& options) {
  const std::vector<ExampleLengths> alike(static_cast<size_t>(data.size()), {.source = 1});
  return {alike, {.tokens = options.batch_size, .rows = options.batch_size, .seed = options.seed}};
}

}  // namespace

ClipTask::ClipTask(Clip model, std::shared_ptr<const Tokenizer> tokenizer,
                   ImagePreprocessing preprocessing, ClipData data, const ClipTaskOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      preprocessing_(std::move(preprocessing)),
      data_(std::move(data)),
      options_(options),
      end_(text_end_id(*tokenizer_)),
      device_(model_->logit_scale.device()),
      batches_(make_batches(data_.training, options_)) {}

torch::Tensor ClipTask::pixel_values(const torch::Tensor& pictures) const {
  const auto values = pictures.to(device_, torch::kFloat);  // [B, 3, H, W]
  const auto channels = [&](const std::vector<double>& of_channels) {
    return torch::tensor(of_channels, values.options()).view({1, -1, 1, 1});
  };
  const auto scaled = values * preprocessing_.rescale_factor;
  return (scaled - channels(preprocessing_.mean)) / channels(preprocessing_.std);  // [B, 3, H, W]
}

torch::Tensor ClipTask::changed_pictures(const torch::Tensor& pictures, int64_t first,
                                         uint64_t draw) const {
  const auto fill = fill_of(preprocessing_.mean);
  auto changed = torch::empty_like(pictures);  // [B, 3, H, W] uint8
  for (int64_t b = 0; b < pictures.size(0); ++b) {
    auto random = generator_for({options_.seed, draw, static_cast<uint64_t>(first + b) + 1});
    const auto planes = augmented(pictures[b], options_.augment, fill, random);
    std::ranges::copy(planes.values, changed[b].data_ptr<uint8_t>());
  }
  return changed;
}

torch::Tensor ClipTask::tokens_of(const std::vector<std::string>& texts) const {
  const auto& o = model_->options;
  return clip_tokens(*tokenizer_, texts, end_, o.text.context, text_padding(o, *tokenizer_, end_))
      .to(device_);
}

ClipTask::Batch ClipTask::collate(const CaptionedImages& data, const std::vector<int64_t>& indices,
                                  const BatchShare& share, uint64_t draw, bool changed) const {
  auto random = generator_for({options_.seed, draw});
  std::vector<std::string> texts;
  for (const int64_t index : indices) {
    const auto& captions = data.captions[static_cast<size_t>(index)];
    texts.push_back(captions[random() % captions.size()]);
  }
  const auto pictures =
      data.pixels.index_select(0, torch::tensor(share.rows(indices), torch::kLong));
  const auto pixels = changed ? changed_pictures(pictures, share.first(), draw) : pictures;
  return {.pixels = pixel_values(pixels), .tokens = tokens_of(texts)};
}

torch::Tensor ClipTask::loss_of(const torch::Tensor& images, const torch::Tensor& texts,
                                const torch::Tensor& tokens) const {
  const auto logits = model_->logits_per_image(images, texts);  // [B, B]
  return options_.loss(logits, equal_captions(tokens));
}

Metrics ClipTask::step(const Backward& backward) {
  model_->clamp_logit_scale();
  auto indices = batches_.next();
  while (indices.size() < 2) indices = batches_.next();  // an epoch's rest: nothing to tell it from
  const BatchShare share(processes(), std::ssize(indices));
  const auto batch = collate(data_.training, indices, share, drawn_++, /*changed=*/true);
  const auto tokens = share.rows(batch.tokens);  // [rows, T]
  show_batch([&] {
    return NamedTensors{{"pixel_values", batch.pixels}, {"input_ids", batch.tokens}};
  });
  // Every process has the loss of the whole batch, and counts a part of it.
  const double count =
      static_cast<double>(indices.size()) / static_cast<double>(processes().size());
  const auto loss = [&](const torch::Tensor& images, const torch::Tensor& texts) {  // [rows, E]
    const auto all_images = gather_rows(processes(), images);                       // [B, E]
    const auto all_texts = gather_rows(processes(), texts);
    return loss_of(all_images, all_texts, batch.tokens) * count;
  };
  const int64_t most = (std::ssize(indices) + processes().size() - 1) / processes().size();
  if (options_.chunk == 0 || options_.chunk >= most) {       // the same in all processes
    const auto images = model_->embed_images(batch.pixels);  // first: its dropout draws first
    backward(loss(images, model_->embed_texts(tokens)), count);
    return {};
  }
  const WholeBatchGuard chunks_are_batches;
  const AuxiliaryShare part(static_cast<double>(share.count()) /
                            static_cast<double>(indices.size()));
  const std::vector<ChunkEncoder> encoders = {
      [&](int64_t begin, int64_t n) {
        return model_->embed_images(batch.pixels.narrow(0, begin, n));
      },
      [&](int64_t begin, int64_t n) { return model_->embed_texts(tokens.narrow(0, begin, n)); }};
  backward_in_chunks(
      encoders, share.count(), options_.chunk,
      [&](const auto& embedded) { return loss(embedded[0], embedded[1]); }, device_,
      [&](const torch::Tensor& value) { backward(value, count); });
  return {};
}

/// embed(begin, end) -> [end - begin, E], of some of `count` things at a time -> [count, E]: each
/// process embeds a part of them.
torch::Tensor ClipTask::embed_together(
    int64_t count, const std::function<torch::Tensor(int64_t begin, int64_t end)>& embed) {
  const BatchShard mine = shard_of(count, processes().rank(), processes().size());
  const int64_t end = mine.first + mine.rows;
  std::vector<torch::Tensor> parts = {
      torch::empty({0, model_->options.projection}, torch::device(device_))};
  for (int64_t begin = mine.first; begin < end && !InterruptGuard::requested();
       begin += kEvaluationBatch)
    parts.push_back(embed(begin, std::min(begin + kEvaluationBatch, end)));
  EvaluationShare(processes()).finish();
  return processes().all_gather(torch::cat(parts));
}

torch::Tensor ClipTask::embed_images(const CaptionedImages& data) {
  return embed_together(data.size(), [&](int64_t begin, int64_t end) {
    return model_->embed_images(
        pixel_values(data.pixels.index_select(0, torch::arange(begin, end))));
  });
}

torch::Tensor ClipTask::embed_texts(const std::vector<std::string>& texts) {
  return embed_together(std::ssize(texts), [&](int64_t begin, int64_t end) {
    const std::vector<std::string> some(texts.begin() + begin, texts.begin() + end);
    return embed_clip_texts(*model_, *tokenizer_, some, end_);
  });
}

torch::Tensor ClipTask::name_scores(const torch::Tensor& images) {
  return images.matmul(
      embed_clip_names(*model_, *tokenizer_, data_.validation.concepts, options_.templates, end_)
          .t());
}

double ClipTask::validation_loss() {
  MeanMeter meter;
  EvaluationShare share(processes());
  for (int64_t begin = 0; begin < data_.validation.size(); begin += options_.batch_size) {
    if (!share.takes_next()) continue;
    std::vector<int64_t> indices(
        static_cast<size_t>(std::min(options_.batch_size, data_.validation.size() - begin)));
    if (indices.size() < 2 && begin > 0) continue;  // nothing to tell it from
    std::iota(indices.begin(), indices.end(), begin);
    const BatchShare all(single_process(), std::ssize(indices));
    const auto batch = collate(data_.validation, indices, all, /*draw=*/0);
    const auto loss = loss_of(model_->embed_images(batch.pixels), model_->embed_texts(batch.tokens),
                              batch.tokens);
    const auto count = static_cast<double>(indices.size());
    meter.add(loss.to(torch::kDouble) * count, count);
  }
  share.finish();
  sum_over(processes(), meter);
  return meter.mean();
}

Metrics ClipTask::evaluate() {
  if (data_.validation.size() == 0) return {};
  model_->clamp_logit_scale();
  const auto images = embed_images(data_.validation);  // [N, E]
  const auto table = caption_table(data_.validation.captions);
  const auto scores = images.matmul(embed_texts(table.texts).t()).cpu();  // [N, M]
  const auto by_text = scores.t().contiguous(), texts_match = table.matches.t().contiguous();
  Metrics metrics{{"loss", validation_loss()}};
  for (const int64_t k : {1, 5, 10}) {
    const double texts = recall_at(k, scores, table.matches);
    const double pictures = recall_at(k, by_text, texts_match);
    metrics[fmt::format("text_recall_at_{}", k)] = texts;
    metrics[fmt::format("image_recall_at_{}", k)] = pictures;
    metrics[fmt::format("recall_at_{}", k)] = 0.5 * (texts + pictures);
  }
  const auto named = name_scores(images).argmax(-1).cpu();
  const auto right = named.eq(torch::tensor(data_.validation.concept_of, torch::kLong));
  metrics["zero_shot_accuracy"] = right.to(torch::kDouble).mean().item<double>();
  return metrics;
}

Metrics ClipTask::chance() const {
  if (data_.validation.size() == 0) return {};
  const auto matches = caption_table(data_.validation.captions).matches;  // [N, M]
  Metrics chance{{"zero_shot_accuracy", *goal().chance}};
  for (const int64_t k : {1, 5, 10}) {
    const double texts = chance_recall_at(k, matches);
    const double pictures = chance_recall_at(k, matches.t().contiguous());
    chance[fmt::format("text_recall_at_{}", k)] = texts;
    chance[fmt::format("image_recall_at_{}", k)] = pictures;
    chance[fmt::format("recall_at_{}", k)] = 0.5 * (texts + pictures);
  }
  return chance;
}

std::string ClipTask::sample() {
  const int64_t count = std::min<int64_t>(5, data_.validation.size());
  if (count == 0) return {};
  const auto few = torch::arange(count);
  const auto scores = name_scores(
      model_->embed_images(pixel_values(data_.validation.pixels.index_select(0, few))));  // [n, K]
  std::string text;
  const auto& names = data_.validation.concepts;
  for (int64_t n = 0; n < count; ++n) {
    const auto best = scores[n].argmax().item<int64_t>();
    text +=
        fmt::format("shows  {}\nmodel  {} (cosine {:.2f})\n\n",
                    data_.validation.captions[static_cast<size_t>(n)].front(),
                    names[static_cast<size_t>(best)], printable(scores[n][best].item<double>()));
  }
  return text;
}

void ClipTask::save(const std::filesystem::path& folder) const {
  SpecialIds ids;
  ids.eos = {end_};
  if (tokenizer_->bos_id()) ids.bos = *tokenizer_->bos_id();
  if (tokenizer_->pad_id()) ids.pad = *tokenizer_->pad_id();
  save_clip(*model_, folder, ids);
  tokenizer_->save(folder);
  write_preprocessing(preprocessing_, folder);
}

void ClipTask::load(const std::filesystem::path& folder) { load_clip_weights(*model_, folder); }

std::string ClipTask::data_state() const {
  return nlohmann::json{{"batches", batches_.state()}, {"drawn", drawn_}}.dump();
}

void ClipTask::restore_data(std::string_view state) {
  const auto json = nlohmann::json::parse(state, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("batches") || !json.contains("drawn") ||
      !json["batches"].is_string() || !json["drawn"].is_number_unsigned())
    throw std::runtime_error("the state of the pairs is damaged");
  batches_.restore(json["batches"].get<std::string>());
  drawn_ = json["drawn"].get<uint64_t>();
}

std::string ClipTask::data_fingerprint() const {
  DataFingerprint fingerprint;
  fingerprint.add(data_.training.pixels);
  for (const auto& captions : data_.training.captions)
    for (const auto& caption : captions) fingerprint.add(caption).add(std::string_view("\n"));
  return fingerprint.text();
}

Goal ClipTask::goal() const {
  const auto things = std::max<int64_t>(1, std::ssize(data_.validation.concepts));
  return {.metric = "zero_shot_accuracy",
          .higher_is_better = true,
          .chance = 1.0 / static_cast<double>(things)};
}

}  // namespace zoo
