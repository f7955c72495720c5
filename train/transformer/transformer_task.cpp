#include "train/transformer/transformer_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "infer/generation/generation_config.h"
#include "infer/scores/bleu.h"
#include "infer/scores/chrf.h"
#include "models/batching/padding.h"
#include "train/data/fingerprint.h"
#include "train/loop/shares.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr int64_t kSamples = 3;      // translations that the report shows
constexpr int64_t kStartTokens = 1;  // that join every target: its start, or its end
constexpr int64_t kBeams = 4;        // the default of those who translate with the run's folder

}  // namespace

TransformerTask::TransformerTask(std::unique_ptr<TranslationModel> model,
                                 std::shared_ptr<const Tokenizer> tokenizer, PairData data,
                                 const PairTaskOptions& options, uint64_t seed)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      data_(std::move(data)),
      options_(options),
      ids_(pair_ids(*tokenizer_)),
      format_(training_format(*tokenizer_, ids_)),
      specials_{.start = *ids_.decoder_start, .eos = ids_.eos.front(), .pad = *ids_.pad},
      device_(model_->module().parameters().front().device()),
      batches_(lengths_of(data_.training, kStartTokens),
               {.tokens = options.batch_tokens, .seed = seed}) {}

Metrics TransformerTask::step(const Backward& backward) {
  const auto batch = collate_pairs(data_.training, batches_.next(), specials_);
  show_batch([&] {
    return NamedTensors{{"input_ids", batch.source},
                        {"attention_mask", attention_mask(batch.source, batch.source_lengths)},
                        {"decoder_input_ids", batch.target_in},
                        {"labels", batch.target_out}};
  });
  auto& model = model_->module();
  const BatchShare share(processes(), batch.source.size(0));
  const auto mine = [&](const torch::Tensor& x) { return share.rows(x).to(device_); };
  const auto hidden = model.hidden(mine(batch.source), mine(batch.source_lengths),
                                   mine(batch.target_in));  // [B, T, C]
  const auto chosen = select_targets(hidden, mine(batch.target_out));
  const auto logits = model.logits_of(chosen.hidden);  // [N, V]
  const auto loss = token_loss(logits, chosen.targets, options_.label_smoothing);
  backward(loss.sum, loss.tokens);
  return {};
}

Metrics TransformerTask::evaluate() {
  if (data_.validation.size() == 0) return {};
  auto& model = model_->module();
  PredictionMeter predictions;
  const BucketOptions batches{.tokens = std::max<int64_t>(options_.batch_tokens, 2048)};
  EvaluationShare share(processes());
  for (const auto& indices : sorted_batches(lengths_of(data_.validation, kStartTokens), batches)) {
    if (!share.takes_next()) continue;
    const auto batch = collate_pairs(data_.validation, indices, specials_);
    const auto hidden = model.hidden(batch.source.to(device_), batch.source_lengths.to(device_),
                                     batch.target_in.to(device_));  // [B, T, C]
    const auto chosen = select_targets(hidden, batch.target_out.to(device_));
    predictions.add(model.logits_of(chosen.hidden), chosen.targets);  // [N, V], [N]
  }
  share.finish();
  sum_over(processes(), predictions);
  Metrics metrics = predictions.metrics();
  if (options_.decode_pairs > 0) metrics.merge(score_translations());
  return metrics;
}

Translator TransformerTask::translator() const {
  return {*model_, *tokenizer_, *tokenizer_, format_};
}

/// Validation texts begin to end - 1.
std::vector<Translation> TransformerTask::translate(int64_t begin, int64_t end) {
  const DecodeOptions greedy{.max_new_tokens = 0,
                             .sampling = {.temperature = 0.0},
                             .processors = {.suppress_tokens = never_written(format_)},
                             .interrupted = InterruptGuard::requested};
  const auto& sources = data_.validation_text.sources;
  return translator().translate({sources.begin() + begin, sources.begin() + end},
                                {.decode = greedy});
}

/// The first few, which the report shows.
std::vector<Translation> TransformerTask::translate_samples() {
  auto made = translate(0, std::min(kSamples, data_.validation_text.size()));
  stop_if_interrupted("translating");
  return made;
}

/// The first `count` validation texts in the model's words, each process's share of them.
std::vector<std::string> TransformerTask::translate_together(int64_t count) {
  const BatchShard part = shard_of(count, processes().rank(), processes().size());
  std::vector<std::string> mine, all;
  for (auto& made : translate(part.first, part.first + part.rows))
    mine.push_back(std::move(made.text));
  EvaluationShare(processes()).finish();
  for (const auto& of_process : processes().exchange(nlohmann::json(mine).dump()))
    for (auto& text : nlohmann::json::parse(of_process)) all.push_back(text.get<std::string>());
  return all;
}

Metrics TransformerTask::score_translations() {
  const int64_t count = std::min(options_.decode_pairs, data_.validation_text.size());
  if (count == 0) return {};
  const auto translations = translate_together(count);
  const auto& targets = data_.validation_text.targets;
  const std::vector<std::string> wanted(targets.begin(), targets.begin() + count);
  double exact = 0.0;
  for (size_t i = 0; i < translations.size(); ++i) exact += translations[i] == wanted[i];
  Metrics metrics{{"exact_match", exact / static_cast<double>(count)}};
  if (options_.exact) return metrics;  // BLEU counts words, and such texts have none
  const References references = references_by_line({wanted});
  metrics["bleu"] = corpus_score(Bleu(), translations, references).value;
  metrics["chrf"] = corpus_score(Chrf(), translations, references).value;
  return metrics;
}

std::string TransformerTask::sample() {
  std::string text;
  for (const auto& made : translate_samples()) {
    const auto at = static_cast<size_t>(made.source);
    text += fmt::format("source     {}\nmodel      {}\nreference  {}\n\n",
                        data_.validation_text.sources[at], made.text,
                        data_.validation_text.targets[at]);
  }
  return text;
}

std::vector<ReportPicture> TransformerTask::pictures() {
  const auto& sources = data_.validation_text.sources;
  std::vector<ReportPicture> pictures;
  for (const auto& made : translate_samples()) {
    const auto& source = sources[static_cast<size_t>(made.source)];
    const auto alignment = translator().align(source, made);
    pictures.push_back(
        {.title = fmt::format("Alignment {}", made.source + 1),
         .caption = fmt::format("{} ({}): where the decoder looked while it wrote each row's token",
                                source, options_.source_language),
         .html = alignment_html(alignment, options_.source_language, options_.target_language)});
  }
  return pictures;
}

void TransformerTask::save(const std::filesystem::path& folder) const {
  model_->save(folder, ids_);
  save_with_template(*tokenizer_, format_.source, folder);
  save_generation_config(ids_, never_written(format_), kBeams, folder);
}

std::string TransformerTask::data_fingerprint() const {
  return DataFingerprint().add(data_.training.sources).add(data_.training.targets).text();
}

Goal TransformerTask::goal() const {
  if (options_.exact) return {.metric = "exact_match", .higher_is_better = true, .chance = 0.0};
  return {.chance = std::log(static_cast<double>(model_->module().target_vocab_size()))};
}

}  // namespace zoo
