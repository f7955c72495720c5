// Scores for all texts at once; what is done with them, for the texts of each add() together.
#include "infer/decode/generation_loop.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "infer/decode/append_token.h"
#include "infer/decode/processors.h"
#include "infer/decode/prompts.h"
#include "infer/decode/rows.h"

namespace zoo {

struct GenerationLoop::Settings {
  DecodeOptions options = {};
  std::vector<std::vector<int64_t>> sources = {};  // the texts point into them
  std::vector<LogitsProcessor> processors = {};
  OnToken on_token = {};
};

std::vector<int64_t> GenerationLoop::add(Prompts prompts, const DecodeOptions& options,
                                         std::unique_ptr<DecodeState> state, OnToken on_token) {
  check_request(prompts, model_, options);
  if (!asks_for_tokens(options))
    throw std::invalid_argument("max-new-tokens must be at least 1 to add a text, got 0");
  const c10::InferenceMode no_gradients;
  const auto settings =
      std::make_shared<Settings>(Settings{.options = options, .on_token = std::move(on_token)});
  const Prompts sources = options.sources.empty() ? prompts : options.sources;
  settings->sources.assign(sources.begin(), sources.end());
  settings->options.sources = settings->sources;
  settings->processors = logits_processors(settings->options);

  Batch batch{.state = std::move(state)};
  const auto [tokens, counts] = to_batch(prompts);
  batch.logits = model_.step(tokens, counts, *batch.state).logits.select(1, 0).to(torch::kFloat);
  // The prompts were read once, however many samples are drawn after them.
  if (const int64_t N = options.num_return_sequences; N > 1) {
    batch.state->reorder(torch::arange(std::ssize(prompts), torch::kLong).repeat_interleave(N));
    batch.logits = batch.logits.repeat_interleave(N, 0);
  }
  std::vector<int64_t> ids;
  for (size_t p = 0; p < prompts.size(); ++p) {
    for (int64_t s = 0; s < options.num_return_sequences; ++s) {
      ids.push_back(next_id_++);
      batch.rows.push_back({ids.back(), options.first_sample + s, settings});
      batch.texts.push_back(row_of(prompts, p, settings->options));
    }
  }
  join(added_, std::move(batch));
  return ids;
}

std::vector<TokenEvent> GenerationLoop::step() {
  const c10::InferenceMode no_gradients;
  read_last_tokens();
  join(running_, std::exchange(added_, {}));
  if (running_.rows.empty()) return {};
  return accept(choose());
}

void GenerationLoop::read_last_tokens() {
  // Where a step has failed, the scores are still there.
  if (running_.rows.empty() || running_.logits.defined()) return;
  std::vector<int64_t> tokens;
  for (const RowTokens& text : running_.texts) tokens.push_back(text.all.back());
  const auto ones = torch::ones({std::ssize(tokens)}, torch::kLong);
  const auto scores = model_.step(to_tensor(tokens).unsqueeze(1), ones, *running_.state);
  running_.logits = scores.logits.select(1, 0).to(torch::kFloat);
}

/// [B] int64 on the CPU: the next token of each text.
torch::Tensor GenerationLoop::choose() const {
  std::vector<torch::Tensor> tokens;
  for (size_t first = 0; first < running_.rows.size();) {
    const auto& settings = running_.rows[first].settings;
    size_t end = first;
    while (end < running_.rows.size() && running_.rows[end].settings == settings) ++end;
    tokens.push_back(choose(*settings, first, end - first));
    first = end;
  }
  return tokens.size() == 1 ? tokens.front() : torch::cat(tokens);
}

/// Of the `count` texts from `first` on, which share these settings.
torch::Tensor GenerationLoop::choose(const Settings& settings, size_t first, size_t count) const {
  const auto rows = std::span(running_.rows).subspan(first, count);
  const auto logits =
      running_.logits.narrow(0, static_cast<int64_t>(first), static_cast<int64_t>(count));
  const auto texts = std::span(running_.texts).subspan(first, count);
  const auto allowed = process(logits, texts, settings.processors);  // [count, V]
  if (const auto row = row_without_tokens(allowed))
    throw TextError(rows[static_cast<size_t>(*row)].id, kEveryTokenIsForbidden);
  if (settings.options.sampling.greedy()) return allowed.argmax(-1).cpu();
  std::vector<double> numbers;
  for (size_t r = 0; r < count; ++r) {
    numbers.push_back(uniform_number(settings.options.seed, static_cast<uint64_t>(rows[r].sample),
                                     static_cast<uint64_t>(std::ssize(texts[r].generated()))));
  }
  const auto filtered = filter_logits(allowed, settings.options.sampling);
  return draw_tokens(filtered, torch::tensor(numbers, torch::kDouble)).cpu();
}

std::vector<TokenEvent> GenerationLoop::accept(const torch::Tensor& tokens) {
  const auto chosen = tokens.unsqueeze(1).to(running_.logits.device());
  const auto log_probs =
      log_probs_of(running_.logits).gather(1, chosen).squeeze(1).to(torch::kCPU, torch::kDouble);
  std::vector<TokenEvent> events;
  std::vector<int64_t> going_on;
  for (size_t r = 0; r < running_.rows.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    const Row& row = running_.rows[r];
    RowTokens& text = running_.texts[r];
    text.all.push_back(tokens[at].item<int64_t>());
    const auto finish = finish_of(text, row.settings->options, row.id, row.settings->on_token);
    events.push_back({row.id, text.all.back(), log_probs[at].item<double>(), finish});
    if (!finish) going_on.push_back(at);
  }
  running_.logits = torch::Tensor();
  keep(running_, going_on);
  return events;
}

bool GenerationLoop::remove(int64_t id) {
  const c10::InferenceMode no_gradients;
  for (Batch* batch : {&running_, &added_}) {
    std::vector<int64_t> others;
    for (size_t r = 0; r < batch->rows.size(); ++r)
      if (batch->rows[r].id != id) others.push_back(static_cast<int64_t>(r));
    if (others.size() == batch->rows.size()) continue;
    keep(*batch, others);
    return true;
  }
  return false;
}

void GenerationLoop::join(Batch& batch, Batch more) {
  if (more.rows.empty()) return;
  if (batch.rows.empty()) {
    batch = std::move(more);
    return;
  }
  batch.state->append(std::move(more.state));
  std::ranges::move(more.rows, std::back_inserter(batch.rows));
  std::ranges::move(more.texts, std::back_inserter(batch.texts));
  batch.logits = torch::cat({batch.logits, more.logits});  // [B, V]
}

void GenerationLoop::keep(Batch& batch, const std::vector<int64_t>& rows) {
  if (rows.size() == batch.rows.size()) return;
  if (rows.empty()) {
    batch = {};
    return;
  }
  Batch kept{.state = std::move(batch.state)};
  for (const int64_t row : rows) {
    kept.rows.push_back(std::move(batch.rows[static_cast<size_t>(row)]));
    kept.texts.push_back(std::move(batch.texts[static_cast<size_t>(row)]));
  }
  const auto indices = to_tensor(rows);
  kept.state->reorder(indices);
  if (batch.logits.defined())
    kept.logits = batch.logits.index_select(0, indices.to(batch.logits.device()));
  batch = std::move(kept);
}

}  // namespace zoo
