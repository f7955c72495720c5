// The loop of decoding: next-token scores in, tokens out, row by row until each has ended.
#include "infer/decode/generate.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace zoo {
namespace {

using Prompts = std::span<const std::vector<int64_t>>;

torch::Tensor to_tensor(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}

/// The rows that still grow. Row r of the tensors belongs to generation alive_[r].
class Rows {
 public:
  Rows(NextToken& model, DecodeState& state, const GenerateOptions& options)
      : model_(model), state_(state), options_(options) {}

  void read(Prompts prompts);
  std::vector<Generation> run(const OnToken& on_token);

 private:
  bool penalises() const { return options_.sampling.repetition_penalty != 1.0; }
  torch::Tensor allowed(torch::Tensor logits, int64_t step) const;
  torch::Tensor choose(int64_t step) const;
  std::vector<size_t> accept(const torch::Tensor& tokens, int64_t step, const OnToken& on_token);
  bool accept_one(int64_t row, int64_t token, double log_prob, int64_t step,
                  const OnToken& on_token);
  void keep(const std::vector<size_t>& rows);
  void advance(const torch::Tensor& tokens);

  NextToken& model_;
  DecodeState& state_;
  const GenerateOptions& options_;
  std::vector<Generation> generations_;
  std::vector<int64_t> alive_;
  torch::Tensor logits_;  // [B, V] float: the model's own
  torch::Tensor
      seen_;  // bool [B, V]: tokens of the prompt and the text so far, where they are penalised
};

void Rows::read(Prompts prompts) {
  const auto P = std::ssize(prompts), N = options_.num_samples;
  std::vector<int64_t> counts;
  for (const auto& prompt : prompts) counts.push_back(std::ssize(prompt));
  const int64_t T = *std::ranges::max_element(counts);
  auto tokens = torch::zeros({P, T}, torch::kLong);
  for (int64_t p = 0; p < P; ++p) {
    std::ranges::copy(prompts[static_cast<size_t>(p)], tokens.data_ptr<int64_t>() + p * T);
  }
  logits_ = model_.step(tokens, to_tensor(counts), state_).logits.select(1, 0).to(torch::kFloat);
  if (penalises()) {
    seen_ = torch::zeros(logits_.sizes(), logits_.options().dtype(torch::kBool));
    for (int64_t p = 0; p < P; ++p) {
      seen_[p].index_fill_(
          0, tokens[p].narrow(0, 0, counts[static_cast<size_t>(p)]).to(seen_.device()), true);
    }
  }
  // The prompts were read once, however many samples are drawn after them.
  const auto rows = torch::arange(P, torch::kLong).repeat_interleave(N);
  if (N > 1) {
    state_.reorder(rows);
    logits_ = logits_.repeat_interleave(N, 0);
    if (penalises()) seen_ = seen_.repeat_interleave(N, 0);
  }
  for (int64_t row = 0; row < P * N; ++row) {
    generations_.push_back({.prompt = row / N, .sample = options_.first_sample + row % N});
    alive_.push_back(row);
  }
}

torch::Tensor Rows::allowed(torch::Tensor logits, int64_t step) const {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const int64_t V = logits.size(1), usable = options_.usable_vocab;
  if (usable > 0 && usable < V) {
    logits = logits.clone();
    logits.narrow(1, usable, V - usable).fill_(kNever);
  }
  if (step < options_.min_new_tokens && !options_.eos_ids.empty()) {
    logits = logits.index_fill(1, to_tensor(options_.eos_ids).to(logits.device()), kNever);
  }
  return logits;
}

torch::Tensor Rows::choose(int64_t step) const {
  const auto filtered = filter_logits(allowed(logits_, step), seen_, options_.sampling);  // [B, V]
  if (options_.sampling.greedy()) return filtered.argmax(-1).cpu();
  std::vector<double> numbers;
  for (const int64_t row : alive_) {
    const auto stream = static_cast<uint64_t>(generations_[static_cast<size_t>(row)].sample);
    numbers.push_back(uniform_number(options_.seed, stream, static_cast<uint64_t>(step)));
  }
  return draw_tokens(filtered, torch::tensor(numbers, torch::kDouble)).cpu();  // [B]
}

/// True where the row goes on.
bool Rows::accept_one(int64_t row, int64_t token, double log_prob, int64_t step,
                      const OnToken& on_token) {
  Generation& generation = generations_[static_cast<size_t>(row)];
  generation.tokens.push_back(token);
  generation.log_probs.push_back(log_prob);
  const bool go_on = !on_token || on_token(row, token);
  if (std::ranges::find(options_.eos_ids, token) != options_.eos_ids.end()) {
    generation.finish = FinishReason::kEos;
  } else if (!go_on) {
    generation.finish = FinishReason::kStop;
  } else {
    return step + 1 < options_.max_new_tokens;
  }
  return false;
}

std::vector<size_t> Rows::accept(const torch::Tensor& tokens, int64_t step,
                                 const OnToken& on_token) {
  const auto chosen = tokens.unsqueeze(1).to(logits_.device());
  const auto log_probs = (logits_.gather(1, chosen).squeeze(1) - logits_.logsumexp(-1))
                             .to(torch::kCPU, torch::kDouble);  // [B]
  if (log_probs.isnan().any().item<bool>()) {
    throw std::runtime_error(
        "the model's scores are not numbers (NaN): its weights are damaged, or its "
        "training diverged");
  }
  std::vector<size_t> going_on;
  for (size_t r = 0; r < alive_.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    if (accept_one(alive_[r], tokens[at].item<int64_t>(), log_probs[at].item<double>(), step,
                   on_token)) {
      going_on.push_back(r);
    }
  }
  return going_on;
}

void Rows::keep(const std::vector<size_t>& rows) {
  if (rows.size() == alive_.size()) return;
  const std::vector<int64_t> old(rows.begin(), rows.end());
  std::vector<int64_t> alive;
  for (const size_t row : rows) alive.push_back(alive_[row]);
  alive_ = std::move(alive);
  if (alive_.empty()) return;
  state_.reorder(to_tensor(old));
  if (penalises()) seen_ = seen_.index_select(0, to_tensor(old).to(seen_.device()));
}

void Rows::advance(const torch::Tensor& tokens) {
  const auto column = tokens.unsqueeze(1);  // [B, 1]
  if (penalises()) seen_ = seen_.scatter(1, column.to(seen_.device()), true);
  const auto ones = torch::ones({column.size(0)}, torch::kLong);
  logits_ = model_.step(column, ones, state_).logits.select(1, 0).to(torch::kFloat);
}

std::vector<Generation> Rows::run(const OnToken& on_token) {
  for (int64_t step = 0; step < options_.max_new_tokens && !alive_.empty(); ++step) {
    if (options_.interrupted && options_.interrupted()) {
      for (const int64_t row : alive_) {
        generations_[static_cast<size_t>(row)].finish = FinishReason::kInterrupted;
      }
      break;
    }
    auto tokens = choose(step);  // [B]
    const auto going_on = accept(tokens, step, on_token);
    keep(going_on);
    if (alive_.empty()) break;
    const std::vector<int64_t> rows(going_on.begin(), going_on.end());
    advance(tokens.index_select(0, to_tensor(rows)));
  }
  return std::move(generations_);
}

}  // namespace

double Generation::log_prob() const {
  return std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
}

void check(const GenerateOptions& o) {
  const auto require = [](bool holds, std::string_view name, std::string_view what, int64_t value) {
    if (!holds)
      throw std::invalid_argument(fmt::format("{} must be {}, got {}", name, what, value));
  };
  require(o.max_new_tokens >= 0, "max-new-tokens", "0 or positive", o.max_new_tokens);
  require(o.min_new_tokens >= 0, "min-new-tokens", "0 or positive", o.min_new_tokens);
  require(o.min_new_tokens <= o.max_new_tokens, "min-new-tokens",
          fmt::format("at most max-new-tokens, which is {}", o.max_new_tokens), o.min_new_tokens);
  require(o.num_samples >= 1, "num-samples", "at least 1", o.num_samples);
  require(o.first_sample >= 0, "first-sample", "0 or positive", o.first_sample);
  check(o.sampling);
}

void check_prompts(Prompts prompts, const NextToken& model) {
  if (prompts.empty()) throw std::runtime_error("there is no prompt");
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto length = std::ssize(prompts[p]);
    if (length == 0) throw std::runtime_error(fmt::format("prompt {} has no token", p + 1));
    if (model.longest_prompt() > 0 && length > model.longest_prompt()) {
      throw std::runtime_error(
          fmt::format("prompt {} has {} tokens, the model's context is {}; shorten it", p + 1,
                      length, model.longest_prompt()));
    }
    for (const int64_t id : prompts[p]) {
      if (id >= 0 && id < model.vocab_size()) continue;
      throw std::runtime_error(
          fmt::format("prompt {} has token id {}, the model's vocabulary is 0 to {}", p + 1, id,
                      model.vocab_size() - 1));
    }
  }
}

std::vector<Generation> generate(NextToken& model, DecodeState& state, Prompts prompts,
                                 const GenerateOptions& options, const OnToken& on_token) {
  check(options);
  check_prompts(prompts, model);
  const c10::InferenceMode no_gradients;
  Rows rows(model, state, options);
  rows.read(prompts);
  return rows.run(on_token);
}

}  // namespace zoo
