#include "train/gpt/gpt_answer_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/interrupt.h"
#include "infer/decode/generate.h"
#include "infer/generation/decoding_threads.h"
#include "infer/generation/gpt_decoder.h"
#include "infer/generation/language_model.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tokenizers/character.h"
#include "train/data/answer_batch.h"
#include "train/data/fingerprint.h"
#include "train/gpt/gpt_task.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr int64_t kSamples = 3;         // questions that the report shows
constexpr int64_t kMeasuredRows = 256;  // questions of a batch that is measured

/// So many rows, however long.
BucketOptions batches_of(int64_t rows, uint64_t seed = 0) {
  return {.tokens = std::numeric_limits<int64_t>::max(), .rows = rows, .seed = seed};
}

/// Questions as `generate` reads its prompts.
SequencePairs encoded(const ParallelText& text, const Tokenizer& tokenizer) {
  SequencePairs pairs;
  for (size_t i = 0; i < text.sources.size(); ++i) {
    stop_if_interrupted("encoding the task's examples");
    const auto question = encode_prompt(tokenizer, text.sources[i]);
    pairs.sources.append(std::vector<int32_t>(question.begin(), question.end()));
    pairs.targets.append(tokenizer.ids(text.targets[i]));
  }
  return pairs;
}

ParallelText questions(const SyntheticOptions& options, bool validation, uint64_t seed) {
  auto text = synthetic_text(options, validation, seed);
  if (options.task != SyntheticTask::kRecall)  // which ends in a question
    for (auto& source : text.sources) source += kAsks;
  return text;
}

/// [B] int64
torch::Tensor question_lengths(const SequencePairs& pairs, std::span<const int64_t> indices) {
  std::vector<int64_t> lengths;
  for (const int64_t index : indices) lengths.push_back(pairs.sources.length(index));
  return torch::tensor(lengths, torch::kLong);
}

}  // namespace

std::shared_ptr<const Tokenizer> answer_tokenizer(const SyntheticOptions& options) {
  std::u32string alphabet = synthetic_alphabet(options);
  constexpr auto asks = static_cast<char32_t>(kAsks);
  if (alphabet.find(asks) == std::u32string::npos) alphabet += asks;
  return std::make_shared<CharacterTokenizer>(alphabet, CharacterSpecials{.sequence = true});
}

AnswerData answer_data(const SyntheticOptions& options, const Tokenizer& tokenizer, uint64_t seed) {
  if (!tokenizer.eos_id()) {
    throw std::runtime_error(
        fmt::format("--task: the {} tokenizer has no end-of-text token, so no answer could end; "
                    "leave --tokenizer out",
                    tokenizer.kind()));
  }
  AnswerData data{.validation_text = questions(options, /*validation=*/true, seed)};
  data.training = encoded(questions(options, /*validation=*/false, seed), tokenizer);
  data.validation = encoded(data.validation_text, tokenizer);
  return data;
}

int64_t longest_answered(const AnswerData& data) {
  int64_t longest = 0;
  for (const auto* pairs : {&data.training, &data.validation}) {
    for (const auto& [question, answer] : lengths_of(*pairs, 0))
      longest = std::max(longest, question + answer);
  }
  return longest;
}

GptAnswerTask::GptAnswerTask(Gpt model, std::shared_ptr<const Tokenizer> tokenizer, AnswerData data,
                             const AnswerTaskOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      data_(std::move(data)),
      options_(options),
      asks_(tokenizer_->id_of(std::string_view(&kAsks, 1))),
      device_(model_->token_embedding->weight.device()),
      batches_(lengths_of(data_.training, 0), batches_of(options.batch_size, options.seed)) {}

GptAnswerTask::Scored GptAnswerTask::score(const SequencePairs& pairs,
                                           std::span<const int64_t> indices,
                                           const BatchShare& share) {
  const int64_t eos = *tokenizer_->eos_id();
  // Padding stands behind everything that is predicted, where causal attention does not look.
  const auto batch = collate_answers(pairs, indices,
                                     {.eos = eos,
                                      .pad = tokenizer_->pad_id().value_or(eos),
                                      .asks = model_->options.prefix_lm ? std::nullopt : asks_});
  GptContext context;
  if (model_->options.prefix_lm)
    context.args.prefix_lengths = share.rows(question_lengths(pairs, indices));
  const auto hidden = model_->hidden(share.rows(batch.tokens).to(device_), context);  // [B, T, C]
  const auto chosen = select_targets(hidden, share.rows(batch.targets).to(device_));
  return {.logits = model_->logits_of(chosen.hidden), .targets = chosen.targets, .batch = batch};
}

Metrics GptAnswerTask::step(const Backward& backward) {
  const auto indices = batches_.next();
  const BatchShare share(processes(), std::ssize(indices));
  const auto scored = score(data_.training, indices, share);
  const auto& batch = scored.batch;
  show_batch([&] { return NamedTensors{{"input_ids", batch.tokens}, {"labels", batch.targets}}; });
  const auto loss = token_loss(scored.logits, scored.targets, options_.label_smoothing);
  backward(loss.sum, loss.tokens);
  return {};
}

Metrics GptAnswerTask::evaluate() {
  if (data_.validation.size() == 0) return {};
  PredictionMeter predictions;
  double exact = 0.0;
  EvaluationShare share(processes());
  for (const auto& indices :
       sorted_batches(lengths_of(data_.validation, 0), batches_of(kMeasuredRows))) {
    if (!share.takes_next()) continue;
    const BatchShare whole(single_process(), std::ssize(indices));
    const auto scored = score(data_.validation, indices, whole);
    predictions.add(scored.logits, scored.targets);
  }
  for (int64_t begin = 0; begin < data_.validation.size(); begin += kMeasuredRows) {
    if (!share.takes_next()) continue;
    const int64_t end = std::min(begin + kMeasuredRows, data_.validation.size());
    const auto answers = answer(begin, end);
    for (int64_t i = begin; i < end; ++i)
      exact += answers[static_cast<size_t>(i - begin)] ==
               data_.validation_text.targets[static_cast<size_t>(i)];
  }
  share.finish();
  sum_over(processes(), predictions, exact);
  Metrics metrics = predictions.metrics();
  metrics["exact_match"] = exact / static_cast<double>(data_.validation.size());
  return metrics;
}

/// The model's answers to validation questions begin to end - 1.
std::vector<std::string> GptAnswerTask::answer(int64_t begin, int64_t end) {
  const auto& questions = data_.validation_text.sources;
  int64_t longest = 0;
  for (int64_t i = 0; i < data_.validation.size(); ++i)
    longest = std::max(longest, data_.validation.targets.length(i) + 1);
  const DecodingThreads threads(*model_);
  GptDecoder decoder(model_);
  std::vector<std::vector<int64_t>> prompts;
  for (int64_t i = begin; i < end; ++i)
    prompts.push_back(encode_prompt(*tokenizer_, questions[static_cast<size_t>(i)]));
  auto state = decoder.start(std::ssize(prompts), model_->options.context);
  std::vector<std::string> answers;
  for (const auto& made : generate(decoder, std::move(state), prompts,
                                   {.max_new_tokens = longest,
                                   .sampling = {.temperature = 0.0},
                                   .eos_ids = {*tokenizer_->eos_id()},
                                   .usable_vocab = tokenizer_->vocab_size(),
                                   .interrupted = InterruptGuard::requested})) {
    const std::vector<int32_t> ids(made.tokens.begin(), made.tokens.end());
    answers.push_back(tokenizer_->decode(ids, /*skip_special=*/true));
  }
  return answers;
}

std::string GptAnswerTask::sample() {
  std::string text;
  const auto answers = answer(0, std::min(kSamples, data_.validation.size()));
  stop_if_interrupted("answering");
  for (size_t i = 0; i < answers.size(); ++i) {
    text += fmt::format("{}{}   (right: {})\n", data_.validation_text.sources[i], answers[i],
                        data_.validation_text.targets[i]);
  }
  return text;
}

void GptAnswerTask::save(const std::filesystem::path& folder) const {
  save_gpt_folder(model_, *tokenizer_, folder);
}

void GptAnswerTask::load(const std::filesystem::path& folder) { load_gpt_weights(model_, folder); }

std::string GptAnswerTask::data_fingerprint() const {
  return DataFingerprint().add(data_.training.sources).add(data_.training.targets).text();
}

Goal GptAnswerTask::goal() const {
  return {.metric = "exact_match", .higher_is_better = true, .chance = 0.0};
}

}  // namespace zoo
