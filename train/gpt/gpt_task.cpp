#include "train/gpt/gpt_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "base/interrupt.h"
#include "infer/decode/generate.h"
#include "infer/generation/decoding_threads.h"
#include "infer/generation/gpt_decoder.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "train/data/fingerprint.h"
#include "train/loop/shares.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

// Windows evaluated at once: enough to keep the processor busy, few enough that the scores of a
// large vocabulary stay below a quarter of a gigabyte.
int64_t evaluation_batch(const GptOptions& model) {
  constexpr int64_t kTokens = 4096, kScores = int64_t{1} << 26;
  const int64_t tokens = std::min(kTokens, kScores / std::max<int64_t>(model.vocab_size, 1));
  return std::max<int64_t>(1, tokens / model.context);
}

torch::Tensor bytes_per_id(const Tokenizer& tokenizer, int64_t vocab_size) {
  auto bytes = torch::zeros({vocab_size}, torch::kDouble);
  for (int32_t id = 0; id < tokenizer.vocab_size() && id < vocab_size; ++id) {
    bytes[id] = static_cast<double>(tokenizer.is_special(id) ? 0 : tokenizer.bytes_of(id).size());
  }
  return bytes;
}

}  // namespace

TextSplit split_text(std::shared_ptr<const TokenStream> stream, double validation_share) {
  const int64_t size = stream->size();
  const auto training =
      static_cast<int64_t>(std::floor(static_cast<double>(size) * (1.0 - validation_share)));
  return {.training = {stream, 0, training}, .validation = {stream, training, size}};
}

std::vector<int64_t> sample_prompt(const Tokenizer& tokenizer, const TextOptions& options) {
  std::vector<int64_t> prompt;
  try {
    for (const int32_t id : tokenizer.ids(options.sample_prompt)) prompt.push_back(id);
  } catch (const std::runtime_error&) {
    if (options.sample_prompt != TextOptions{}.sample_prompt) throw;
  }
  if (prompt.empty()) prompt.push_back(tokenizer.bos_id().value_or(0));
  return prompt;
}

void save_gpt_folder(const Gpt& model, const Tokenizer& tokenizer,
                     const std::filesystem::path& folder) {
  SpecialIds ids;
  ids.bos = tokenizer.bos_id();
  if (const auto eos = tokenizer.eos_id()) ids.eos.push_back(*eos);
  ids.pad = tokenizer.pad_id();
  save_gpt(model, folder, ids);
  tokenizer.save(folder);
}

GptTask::GptTask(Gpt model, std::shared_ptr<const Tokenizer> tokenizer, const TextSplit& text,
                 const TextOptions& options, uint64_t seed)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      options_(options),
      seed_(seed),
      device_(model_->token_embedding->weight.device()),
      training_(text.training, options.batch_size, model_->options.context, seed),
      bytes_of_(bytes_per_id(*tokenizer_, model_->options.vocab_size)) {
  const GptOptions& o = model_->options;
  if (o.memory > 0) {
    segments_.emplace(text.training, options.batch_size, o.context);
    memory_ = model_->make_memory();
  }
  if (text.validation.size() > 0)  // with memory one segment after the other
    validation_.emplace(text.validation, segments_ ? 1 : evaluation_batch(o), o.context);
}

TextBatch GptTask::next_batch() {
  if (!segments_) return training_.next();
  if (segments_->at_beginning()) memory_.layers.clear();
  return segments_->next();
}

torch::Tensor GptTask::logits_of(const torch::Tensor& inputs, SegmentMemory& memory) {
  return model_(inputs.to(device_),
                GptContext{.memory = segments_ ? &memory : nullptr});  // [B, T, V]
}

Metrics GptTask::step(const Backward& backward) {
  const TextBatch batch = next_batch();
  show_batch([&] { return NamedTensors{{"input_ids", batch.inputs}, {"labels", batch.targets}}; });
  const BatchShare share(processes(), batch.inputs.size(0));
  const auto logits = logits_of(share.rows(batch.inputs), memory_);  // [rows, T, V]
  const TokenLoss loss =
      token_loss(logits, share.rows(batch.targets).to(device_), options_.label_smoothing);
  backward(loss.sum, loss.tokens);
  return {};
}

Metrics GptTask::evaluate() {
  if (!validation_) return {};
  PredictionMeter predictions;
  DeviceSum bytes;
  SegmentMemory memory{.tokens = model_->options.memory};
  // Segments that remember the one before cannot be dealt out.
  const bool deals = !segments_.has_value();
  EvaluationShare share(processes(), deals);
  for (int64_t n = 0; n < validation_->batches(); ++n) {
    if (!share.takes_next()) continue;
    const TextBatch batch = validation_->at(n);
    const auto logits = logits_of(batch.inputs, memory);  // [B, T, V]
    predictions.add(logits, batch.targets.to(device_));
    bytes.add(bytes_of_.index({batch.targets}).sum());
  }
  share.finish();
  if (deals) sum_over(processes(), predictions, bytes);
  Metrics metrics = predictions.metrics();
  if (const double count = bytes.value(); count > 0.0)
    metrics["bits_per_byte"] = predictions.loss_sum() / std::numbers::ln2 / count;
  return metrics;
}

std::string GptTask::sample() {
  if (options_.sample_tokens == 0) return {};
  const auto prompt = sample_prompt(*tokenizer_, options_);
  const DecodingThreads threads(*model_);
  GptDecoder decoder(model_);
  auto state = decoder.start(1, static_cast<int64_t>(prompt.size()) + options_.sample_tokens);
  const auto made = generate(decoder, std::move(state), std::vector<std::vector<int64_t>>{prompt},
                             {.max_new_tokens = options_.sample_tokens,
                              .seed = seed_,
                              .sampling = {.temperature = 0.8},
                              .usable_vocab = tokenizer_->vocab_size(),
                              .interrupted = InterruptGuard::requested});
  stop_if_interrupted("sampling");
  std::vector<int32_t> ids(prompt.begin(), prompt.end());
  ids.insert(ids.end(), made.front().tokens.begin(), made.front().tokens.end());
  return tokenizer_->decode(ids, /*skip_special=*/true);
}

void GptTask::save(const std::filesystem::path& folder) const {
  save_gpt_folder(model_, *tokenizer_, folder);
}

void GptTask::load(const std::filesystem::path& folder) { load_gpt_weights(model_, folder); }

std::string GptTask::data_state() const {
  return segments_ ? segments_->state() : training_.state();
}

void GptTask::restore_data(std::string_view state) {
  segments_ ? segments_->restore(state) : training_.restore(state);
}

NamedTensors GptTask::carried() const {
  NamedTensors tensors;
  for (size_t n = 0; n < memory_.layers.size(); ++n)
    tensors["memory." + std::to_string(n)] = memory_.layers[n];
  return tensors;
}

void GptTask::restore_carried(const NamedTensors& tensors) {
  if (!segments_) return Task::restore_carried(tensors);
  const GptOptions& o = model_->options;
  const int64_t rows = shard_of(options_.batch_size, processes().rank(), processes().size()).rows;
  std::vector<torch::Tensor> layers;
  for (int64_t n = 0; n < o.layers && !tensors.empty(); ++n) {
    const auto name = "memory." + std::to_string(n);
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw std::runtime_error(fmt::format("'{}' is missing", name));
    const auto& memory = found->second;
    const bool fits = memory.dim() == 3 && memory.size(0) == rows && memory.size(1) > 0 &&
                      memory.size(1) <= o.memory && memory.size(2) == o.d_model &&
                      memory.is_floating_point();
    if (!fits || (n > 0 && memory.sizes() != layers.front().sizes()))
      throw std::runtime_error(fmt::format("'{}' is no memory of this run", name));
    layers.push_back(memory.to(device_));
  }
  if (tensors.size() != layers.size() || (layers.empty() && !segments_->at_beginning()))
    throw std::runtime_error("the memory is not that of this run's layers");
  memory_.layers = std::move(layers);
}

std::string GptTask::data_fingerprint() const {
  return DataFingerprint().add(training_.range()).text();
}

Goal GptTask::goal() const {
  return {.chance = std::log(static_cast<double>(model_->options.vocab_size))};
}

}  // namespace zoo
