#include "train/bert/bert_task.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "base/printable.h"
#include "models/batching/padding.h"
#include "models/bert/bert_heads.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "train/loop/shares.h"
#include "train/objectives/meter.h"
#include "train/objectives/permuted_lm.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr uint64_t kOrderSeed = 0x6f72646572;  // of the validation sequences

/// One is added to each count, so that a token the training text lacks has a probability.
torch::Tensor frequencies(const SentenceExamples& examples, const Tokenizer& tokenizer) {
  const MaskingVocabulary vocabulary(tokenizer);
  std::vector<double> counts(static_cast<size_t>(tokenizer.vocab_size()), 0.0);
  for (const int32_t id : vocabulary.ordinary()) counts[static_cast<size_t>(id)] = 1.0;
  for (int64_t i = 0; i < examples.size(); ++i) {
    for (const int32_t id : examples.ids.at(i))
      if (!vocabulary.is_special(id)) counts[static_cast<size_t>(id)] += 1.0;
  }
  return torch::tensor(counts, torch::kDouble);  // [V]
}

UnigramScore score_unigram(const torch::Tensor& frequencies,
                           const std::vector<MaskedBatch>& batches) {
  const auto log_p = (frequencies / frequencies.sum()).log();  // [V]
  double loss = 0.0, correct = 0.0, tokens = 0.0;
  for (const auto& batch : batches) {
    const auto targets = batch.targets();  // [N]
    loss -= log_p.index_select(0, targets).sum().item<double>();
    correct += targets.eq(frequencies.argmax()).sum().item<double>();
    tokens += static_cast<double>(targets.numel());
  }
  return tokens == 0.0 ? UnigramScore{} : UnigramScore{loss / tokens, correct / tokens, tokens};
}

}  // namespace

BertPreTraining::BertPreTraining(BertTaskModel model, std::shared_ptr<const Tokenizer> tokenizer,
                                 PreTrainingData data, const PreTrainingOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      options_(options),
      device_(model_->parameters().front().device()),
      shown_(std::move(data.shown)),
      validation_(fixed_masked_batches(data.validation, *tokenizer_, options.batches)),
      unigram_(score_unigram(frequencies(data.training, *tokenizer_), validation_)),
      batches_(std::move(data.training), *tokenizer_, options.batches) {}

torch::Tensor BertPreTraining::hidden(const MaskedBatch& batch, const MaskedBatch& whole,
                                      at::Generator random) {
  if (options_.permuted) return permuted_hidden(batch, most_chosen(whole), random);
  BertContext context{.args = {.key_lengths = batch.lengths}};
  if (model_->options.bert.segments > 1) context.segments = batch.segments;
  return model_->bert->forward(batch.tokens, context);  // [B, T, C]
}

torch::Tensor BertPreTraining::permuted_hidden(const MaskedBatch& batch, int64_t K,
                                               at::Generator random) {
  const auto order = draw_rows(batch.tokens.sizes().vec(), [&](const auto& shape) {
                       return torch::rand(shape, random);
                     }).to(device_);  // [B, T]
  const auto input = permuted_input(batch, model_->bert->default_positions(batch.tokens), order, K);
  BertContext context{.positions = input.positions, .args = {.may_attend = input.may_attend}};
  if (model_->options.bert.segments > 1) context.segments = input.segments;
  const auto h = model_->bert->forward(input.tokens, context);  // [B, T + K, C]
  return h.narrow(1, 0, batch.tokens.size(1));                  // [B, T, C]: the text with masks
}

Metrics BertPreTraining::step(const Backward& backward) {
  const auto on_cpu = batches_.next();
  if (!on_cpu.has_targets()) return {};  // nothing but special tokens
  show_batch([&] {
    NamedTensors named{{"input_ids", on_cpu.tokens},
                       {"attention_mask", attention_mask(on_cpu.tokens, on_cpu.lengths)},
                       {"token_type_ids", on_cpu.segments},
                       {"labels", on_cpu.labels}};
    if (options_.pairs == SentencePairs::kNextOrRandom)
      named["next_sentence_label"] = on_cpu.pair;
    else if (options_.pairs != SentencePairs::kNone)
      named["sentence_order_label"] = on_cpu.pair;
    return named;
  });
  const BatchShare share(processes(), on_cpu.tokens.size(0));
  const auto batch = on_cpu.each([&](const torch::Tensor& x) { return share.rows(x).to(device_); });
  const auto h =
      hidden(batch, on_cpu, at::globalContext().defaultGenerator(torch::kCPU));  // [B, T, C]
  const auto loss =
      token_loss(model_->masked_lm_logits(h, batch.masked_positions()), batch.targets());
  auto sum = loss.sum;
  if (options_.pairs != SentencePairs::kNone) {
    // The paper adds the two means; the trainer divides this sum by the masked tokens.
    const double per_pair =
        static_cast<double>(on_cpu.targets().numel()) / static_cast<double>(on_cpu.pair.numel());
    sum = sum + token_loss(model_->pair_logits(h), batch.pair).sum * per_pair;
  }
  backward(sum, loss.tokens);
  return {};
}

Metrics BertPreTraining::evaluate() {
  if (validation_.empty()) return {};
  PredictionMeter words, pairs;
  const auto random = at::detail::createCPUGenerator(kOrderSeed);
  EvaluationShare share(processes());
  for (const auto& on_cpu : validation_) {
    if (!on_cpu.has_targets()) continue;
    if (!share.takes_next()) {
      if (options_.permuted) torch::rand(on_cpu.tokens.sizes(), random);  // as who takes it
      continue;
    }
    const auto batch = on_cpu.to(device_);
    const auto h = hidden(batch, on_cpu, random);  // [B, T, C]
    words.add(model_->masked_lm_logits(h, batch.masked_positions()),
              batch.targets());  // [N, V], [N]
    if (options_.pairs != SentencePairs::kNone) pairs.add(model_->pair_logits(h), batch.pair);
  }
  share.finish();
  sum_over(processes(), words, pairs);
  if (words.targets() == 0.0) return {};
  Metrics metrics = words.metrics();
  if (options_.pairs != SentencePairs::kNone) {
    const bool nsp = options_.pairs == SentencePairs::kNextOrRandom;
    metrics[nsp ? "nsp_accuracy" : "sop_accuracy"] = pairs.accuracy();
  }
  return metrics;
}

std::string BertPreTraining::best_answers(const torch::Tensor& tokens, int64_t position) {
  const auto h = model_->bert->forward(tokens.unsqueeze(0).to(device_));
  const auto logits = model_->masked_lm_logits(h, torch::tensor({position}, device_));  // [1, V]
  const auto [best, ids] = logits.softmax(-1).squeeze(0).cpu().topk(3);
  std::string answers;
  for (int64_t k = 0; k < ids.size(0); ++k) {
    const auto id = static_cast<int32_t>(ids[k].item<int64_t>());
    answers +=
        fmt::format("  {} {:.2f}", tokenizer_->piece_of(id), printable(best[k].item<double>()));
  }
  return answers;
}

std::string BertPreTraining::sample() {
  std::string text;
  for (int64_t i = 0; i < shown_.size(); ++i) {
    const auto sentence = shown_.ids.at(i);
    std::vector<int32_t> ids{*tokenizer_->cls_id()};
    const auto room = std::min<int64_t>(std::ssize(sentence), model_->options.bert.context - 2);
    ids.insert(ids.end(), sentence.begin(), sentence.begin() + room);
    const int64_t position = 1 + room / 2;
    const int32_t hidden_id =
        std::exchange(ids[static_cast<size_t>(position)], *tokenizer_->mask_id());
    const std::vector<int32_t> shown(ids.begin() + 1, ids.end());
    ids.push_back(*tokenizer_->sep_id());
    const auto tokens = torch::tensor(std::vector<int64_t>(ids.begin(), ids.end()));  // [T]
    text += fmt::format("text     {}\nmodel  {}\nwas      {}\n\n", tokenizer_->decode(shown),
                        best_answers(tokens, position), tokenizer_->piece_of(hidden_id));
  }
  return text;
}

void BertPreTraining::save(const std::filesystem::path& folder) const {
  save_bert(model_, folder, {.pad = tokenizer_->pad_id()});
  tokenizer_->save(folder);
}

void BertPreTraining::load(const std::filesystem::path& folder) {
  load_bert_weights(model_, folder);
}

std::string BertPreTraining::data_fingerprint() const {
  return fingerprint_of(batches_.examples());
}

Goal BertPreTraining::goal() const {
  if (unigram_.tokens == 0.0) return {};
  return {.chance = unigram_.loss};
}

}  // namespace zoo
