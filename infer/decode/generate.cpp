// The loop of decoding: next-token scores in, tokens out, row by row until each has ended.
#include "infer/decode/generate.h"

#include <c10/core/InferenceMode.h>

#include <numeric>

#include "infer/decode/append_token.h"
#include "infer/decode/processors.h"
#include "infer/decode/prompts.h"

namespace zoo {
namespace {

/// The rows that still grow. Row r of the tensors belongs to generation alive_[r].
class SamplingLoop {
 public:
  SamplingLoop(NextToken& model, DecodeState& state, const DecodeOptions& options)
      : model_(model), state_(state), options_(options), processors_(logits_processors(options)) {}

  void read(Prompts prompts);
  std::vector<Generation> run(const OnToken& on_token);

 private:
  torch::Tensor choose(int64_t step) const;
  std::vector<size_t> accept(const torch::Tensor& tokens, const OnToken& on_token);
  void keep(const std::vector<size_t>& rows);
  void advance(const torch::Tensor& tokens);
  void interrupt();

  NextToken& model_;
  DecodeState& state_;
  const DecodeOptions& options_;
  std::vector<LogitsProcessor> processors_;
  std::vector<Generation> generations_;
  std::vector<int64_t> alive_;
  std::vector<RowTokens> texts_;
  torch::Tensor logits_;  // [B, V] float: the model's own
};

void SamplingLoop::read(Prompts prompts) {
  const auto P = std::ssize(prompts), N = options_.num_return_sequences;
  const auto [tokens, counts] = to_batch(prompts);
  logits_ = model_.step(tokens, counts, state_).logits.select(1, 0).to(torch::kFloat);
  // The prompts were read once, however many samples are drawn after them.
  if (N > 1) {
    state_.reorder(torch::arange(P, torch::kLong).repeat_interleave(N));
    logits_ = logits_.repeat_interleave(N, 0);
  }
  for (int64_t row = 0; row < P * N; ++row) {
    generations_.push_back({.prompt = row / N, .sample = options_.first_sample + row % N});
    texts_.push_back(row_of(prompts, static_cast<size_t>(row / N), options_));
    alive_.push_back(row);
  }
}

torch::Tensor SamplingLoop::choose(int64_t step) const {
  const auto allowed = process(logits_, texts_, processors_);  // [B, V]
  check_something_is_allowed(allowed);
  if (options_.sampling.greedy()) return allowed.argmax(-1).cpu();
  std::vector<double> numbers;
  for (const int64_t row : alive_) {
    const auto stream = static_cast<uint64_t>(generations_[static_cast<size_t>(row)].sample);
    numbers.push_back(uniform_number(options_.seed, stream, static_cast<uint64_t>(step)));
  }
  const auto filtered = filter_logits(allowed, options_.sampling);
  return draw_tokens(filtered, torch::tensor(numbers, torch::kDouble)).cpu();  // [B]
}

std::vector<size_t> SamplingLoop::accept(const torch::Tensor& tokens, const OnToken& on_token) {
  const auto chosen = tokens.unsqueeze(1).to(logits_.device());
  const auto log_probs =
      log_probs_of(logits_).gather(1, chosen).squeeze(1).to(torch::kCPU, torch::kDouble);  // [B]
  std::vector<size_t> going_on;
  for (size_t r = 0; r < alive_.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    const auto token = tokens[at].item<int64_t>();
    const bool goes_on =
        append_token(generations_[static_cast<size_t>(alive_[r])], texts_[r], alive_[r], token,
                     log_probs[at].item<double>(), options_, on_token);
    if (goes_on) going_on.push_back(r);
  }
  return going_on;
}

void SamplingLoop::keep(const std::vector<size_t>& rows) {
  if (rows.size() == alive_.size()) return;
  std::vector<int64_t> alive;
  std::vector<RowTokens> texts;
  for (const size_t row : rows) {
    alive.push_back(alive_[row]);
    texts.push_back(std::move(texts_[row]));
  }
  alive_ = std::move(alive);
  texts_ = std::move(texts);
  if (!alive_.empty()) state_.reorder(to_tensor({rows.begin(), rows.end()}));
}

void SamplingLoop::advance(const torch::Tensor& tokens) {
  const auto column = tokens.unsqueeze(1);  // [B, 1]
  const auto ones = torch::ones({column.size(0)}, torch::kLong);
  logits_ = model_.step(column, ones, state_).logits.select(1, 0).to(torch::kFloat);
}

void SamplingLoop::interrupt() {
  for (const int64_t row : alive_) {
    generations_[static_cast<size_t>(row)].finish = FinishReason::kInterrupted;
  }
}

std::vector<Generation> SamplingLoop::run(const OnToken& on_token) {
  for (int64_t step = 0; asks_for_tokens(options_) && !alive_.empty(); ++step) {
    if (options_.interrupted && options_.interrupted()) {
      interrupt();
      break;
    }
    auto tokens = choose(step);  // [B]
    const auto going_on = accept(tokens, on_token);
    keep(going_on);
    if (alive_.empty()) break;
    advance(tokens.index_select(0, to_tensor({going_on.begin(), going_on.end()})));
  }
  return std::move(generations_);
}

}  // namespace

double Generation::log_prob() const {
  return std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
}

std::vector<Generation> generate(NextToken& model, DecodeState& state, Prompts prompts,
                                 const DecodeOptions& options, const OnToken& on_token) {
  check(options);
  check_prompts(prompts, model, options);
  check_ids(options, model.vocab_size());
  const c10::InferenceMode no_gradients;
  SamplingLoop loop(model, state, options);
  loop.read(prompts);
  return loop.run(on_token);
}

}  // namespace zoo
