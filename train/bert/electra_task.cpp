#include "train/bert/electra_task.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "models/batching/padding.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "train/loop/shares.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kValidationSeed = 0x656c6563;
const char* const kGeneratorFolder = "generator";

/// Sum over the real tokens.
torch::Tensor detection_loss(const torch::Tensor& logits, const ReplacedBatch& batch) {
  const auto scores = logits.masked_select(batch.is_real);  // [R]
  const auto answers = batch.is_replaced.masked_select(batch.is_real).to(scores.scalar_type());
  return at::binary_cross_entropy_with_logits(scores, answers, {}, {}, at::Reduction::Sum);
}

/// A token by the probabilities of logits [N, V] -> [N]: the largest p / noise, as multinomial()
/// draws it. Each row has its noise [N, V], exponentially distributed; `rows`: of the whole batch's
/// masked tokens, those of the logits.
torch::Tensor draw(const torch::Tensor& logits, const BatchShard& rows,
                   std::optional<at::Generator> generator = {}) {
  const auto p = logits.detach().to(torch::kFloat).softmax(-1);
  const auto options = generator ? torch::TensorOptions(torch::kFloat) : p.options();
  const auto noise =
      torch::empty({rows.total, logits.size(1)}, options).exponential_(1.0, generator);
  return (p / rows_of(rows, noise).to(p.device())).argmax(-1);
}

BatchShard all_rows(int64_t N) { return {.rows = N, .total = N}; }

torch::Tensor special_tokens(const Tokenizer& tokenizer) {
  auto special = torch::zeros({tokenizer.vocab_size()}, torch::kBool);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (tokenizer.is_special(id)) special[id] = true;
  return special;  // [V]
}

}  // namespace

ElectraPreTraining::ElectraPreTraining(Electra model, std::shared_ptr<const Tokenizer> tokenizer,
                                       SentenceExamples training,
                                       const SentenceExamples& validation,
                                       const ReplacedTokenOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      options_(options),
      device_(model_->parameters().front().device()),
      validation_(fixed_masked_batches(validation, *tokenizer_, options.batches)),
      batches_(std::move(training), *tokenizer_, options.batches) {}

torch::Tensor ElectraPreTraining::hidden(BertTaskModel& model, const torch::Tensor& tokens,
                                         const MaskedBatch& batch) {
  BertContext context{.args = {.key_lengths = batch.lengths}};
  if (model->options.bert.segments > 1) context.segments = batch.segments;
  return model->bert->forward(tokens, context);  // [B, T, C]
}

ReplacedBatch ElectraPreTraining::replaced(const MaskedBatch& batch,
                                           const torch::Tensor& sampled) const {
  const auto tokens = batch.original.flatten()
                          .index_copy(0, batch.masked_positions(), sampled)
                          .view_as(batch.original);  // [B, T]
  return {.tokens = tokens,
          .is_replaced = tokens.ne(batch.original),
          .is_real = token_mask(batch.lengths, tokens.size(1))};
}

Metrics ElectraPreTraining::step(const Backward& backward) {
  const auto on_cpu = batches_.next();
  if (!on_cpu.has_targets()) return {};  // nothing but special tokens
  const BatchShare share(processes(), on_cpu.tokens.size(0));
  const auto batch = on_cpu.each([&](const torch::Tensor& x) { return share.rows(x).to(device_); });
  auto &generator = model_->generator, &discriminator = model_->discriminator;
  const auto logits = generator->masked_lm_logits(hidden(generator, batch.tokens, batch),
                                                  batch.masked_positions());  // [N, V]
  const auto guessing = token_loss(logits, batch.targets());
  // No gradient goes back through the samples (§2).
  const auto before = on_cpu.each([&](const auto& x) { return x.narrow(0, 0, share.first()); });
  const BatchShard rows{
      .first = before.targets().numel(), .rows = logits.size(0), .total = on_cpu.targets().numel()};
  const auto made = replaced(batch, draw(logits, rows));
  show_batch([&] {
    return NamedTensors{{"input_ids", batch.tokens},
                        {"attention_mask", attention_mask(batch.tokens, batch.lengths)},
                        {"token_type_ids", batch.segments},
                        {"labels", batch.labels},
                        {"discriminator_input_ids", made.tokens},
                        {"discriminator_labels", made.is_replaced.to(torch::kLong)}};
  });
  const auto scores =
      discriminator->replaced_logits(hidden(discriminator, made.tokens, batch));  // [B, T]
  // The sum of two means; the trainer divides this by the masked tokens.
  const double per_token = static_cast<double>(rows.total) / on_cpu.lengths.sum().item<double>();
  backward(guessing.sum + detection_loss(scores, made) * (options_.detection_weight * per_token),
           guessing.tokens);
  return {};
}

Metrics ElectraPreTraining::evaluate() {
  if (validation_.empty()) return {};
  const auto special = special_tokens(*tokenizer_).to(device_);
  const int64_t vocab_size = model_->generator->options.bert.vocab_size;
  const std::optional<at::Generator> random = at::detail::createCPUGenerator(kValidationSeed);
  PredictionMeter guesses;  // of the generator
  MeanMeter detection;      // of the discriminator
  DeviceSum detected;
  std::vector<torch::Tensor> all_scores, all_replaced;
  EvaluationShare share(processes());
  for (const auto& on_cpu : validation_) {
    if (!on_cpu.has_targets()) continue;
    if (!share.takes_next()) {  // draws as who takes it
      torch::empty({on_cpu.targets().numel(), vocab_size}).exponential_(1.0, random);
      continue;
    }
    const auto batch = on_cpu.to(device_);
    auto &generator = model_->generator, &discriminator = model_->discriminator;
    const auto logits = generator->masked_lm_logits(hidden(generator, batch.tokens, batch),
                                                    batch.masked_positions());
    guesses.add(logits, batch.targets());
    const auto made = replaced(batch, draw(logits, all_rows(logits.size(0)), random));
    const auto scores =
        discriminator->replaced_logits(hidden(discriminator, made.tokens, batch));  // [B, T]
    detection.add(detection_loss(scores, made), made.is_real.sum());
    detected.add(scores.gt(0).eq(made.is_replaced).logical_and(made.is_real).sum());
    const auto counts = made.is_real.logical_and(special.index({batch.original}).logical_not());
    all_scores.push_back(scores.masked_select(counts).cpu());
    all_replaced.push_back(made.is_replaced.masked_select(counts).cpu());
  }
  share.finish();
  sum_over(processes(), guesses, detection, detected);
  if (guesses.targets() == 0.0) return {};
  const auto of_all = [&](const std::vector<torch::Tensor>& parts, torch::Dtype type) {
    const auto mine = parts.empty() ? torch::empty({0}, type) : torch::cat(parts);
    return processes().all_gather(mine);
  };
  const auto scores_of_all = of_all(all_scores, torch::kFloat);
  const auto replaced_of_all = of_all(all_replaced, torch::kBool);
  const double real = detection.count();
  return {{"loss", guesses.loss() + options_.detection_weight * detection.sum() / real},
          {"mlm_loss", guesses.loss()},
          {"mlm_accuracy", guesses.accuracy()},
          {"rtd_loss", detection.mean()},
          {"rtd_accuracy", detected.value() / real},
          {"rtd_auc", area_under_curve(scores_of_all, replaced_of_all)}};
}

std::string ElectraPreTraining::sample() {
  const auto shown = std::ranges::find_if(validation_, &MaskedBatch::has_targets);
  if (shown == validation_.end()) return {};
  const auto batch = shown->to(device_);
  auto &generator = model_->generator, &discriminator = model_->discriminator;
  const auto logits =
      generator->masked_lm_logits(hidden(generator, batch.tokens, batch), batch.masked_positions());
  const auto made = replaced(batch, draw(logits, all_rows(logits.size(0)),
                                         at::detail::createCPUGenerator(kValidationSeed)));
  const auto found =
      discriminator->replaced_logits(hidden(discriminator, made.tokens, batch)).gt(0);  // [B, T]
  std::string text, put, seen;
  for (int64_t t = 0; t < batch.lengths[0].item<int64_t>(); ++t) {
    const auto piece =
        tokenizer_->piece_of(static_cast<int32_t>(made.tokens[0][t].item<int64_t>()));
    text += (t > 0 ? " " : "") + piece;
    if (made.is_replaced[0][t].item<bool>()) put += "  " + piece;
    if (found[0][t].item<bool>()) seen += "  " + piece;
  }
  return fmt::format("text      {}\nreplaced{}\nfound   {}\n", text, put, seen);
}

void ElectraPreTraining::save(const fs::path& folder) const {
  const SpecialIds ids{.pad = tokenizer_->pad_id()};
  save_bert(model_->discriminator, folder, ids);
  tokenizer_->save(folder);
  fs::create_directory(folder / kGeneratorFolder);
  Electra model = model_;  // the same networks
  model->with_whole_generator([&](const BertTaskModel& generator) {
    save_bert(generator, folder / kGeneratorFolder, ids);
  });
  tokenizer_->save(folder / kGeneratorFolder);
}

void ElectraPreTraining::load(const fs::path& folder) { load_electra_weights(model_, folder); }

std::string ElectraPreTraining::data_fingerprint() const {
  return fingerprint_of(batches_.examples());
}

Goal ElectraPreTraining::goal() const {
  return {.metric = "rtd_auc", .higher_is_better = true, .chance = 0.5};
}

double area_under_curve(const torch::Tensor& scores, const torch::Tensor& above) {
  const double ones = above.sum().item<double>();
  const double zeros = static_cast<double>(above.numel()) - ones;
  if (ones == 0.0 || zeros == 0.0) return 0.5;
  // Mann & Whitney 1947: from the ranks of one kind, equal scores having one rank between them.
  const auto [values, index, counts] =
      at::_unique2(scores, /*sorted=*/true, /*return_inverse=*/true, /*return_counts=*/true);
  const auto n = counts.to(torch::kDouble);
  const auto ranks = (n.cumsum(0) - (n - 1) / 2).index({index});  // [N], from 1
  const double sum = ranks.masked_select(above).sum().item<double>();
  return (sum - ones * (ones + 1) / 2) / (ones * zeros);
}

std::set<std::string> load_electra_weights(Electra& model, const fs::path& folder) {
  auto lacking = load_bert_weights(model->discriminator, folder);
  if (!fs::is_directory(folder / kGeneratorFolder)) {
    lacking.insert("generator");
    return lacking;
  }
  model->with_whole_generator([&](BertTaskModel& generator) {
    for (const auto& name : load_bert_weights(generator, folder / kGeneratorFolder))
      lacking.insert("generator's " + name);
  });
  return lacking;
}

}  // namespace zoo
