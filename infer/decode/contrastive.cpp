// Each step every row reads its k candidates as k rows; the chosen one's row goes on.
#include "infer/decode/contrastive.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "infer/decode/append_token.h"
#include "infer/decode/processors.h"
#include "infer/decode/prompts.h"
#include "infer/decode/rows.h"

namespace zoo {
namespace {

/// Rows [.., C] of length 1: their products are cosines.
torch::Tensor directions(const torch::Tensor& hidden) {
  const auto h = hidden.to(torch::kFloat);
  return h / h.norm(2, -1, /*keepdim=*/true).clamp_min(1e-12);
}

/// The rows that still grow, and what the model made of their texts.
class ContrastiveSearch {
 public:
  ContrastiveSearch(const NextToken& model, DecodeState& state, const DecodeOptions& options)
      : model_(model), state_(state), options_(options), processors_(logits_processors(options)) {}

  void read(Prompts prompts);
  std::vector<Generation> run(const OnToken& on_token);

 private:
  struct Row {
    int64_t generation = 0;
    RowTokens text;
    torch::Tensor context;  // [T, C] directions of the hidden states of its T tokens
  };
  Scores step_with_hidden(const torch::Tensor& tokens, const torch::Tensor& counts,
                          bool every_token);
  void step(const OnToken& on_token);
  torch::Tensor choose(const torch::Tensor& p, const torch::Tensor& candidates) const;
  std::vector<RowTokens> texts() const;

  const NextToken& model_;
  DecodeState& state_;
  const DecodeOptions& options_;
  std::vector<LogitsProcessor> processors_;
  std::vector<Generation> generations_;
  std::vector<Row> rows_;
  torch::Tensor logits_;  // [B, V] float: the model's own
};

Scores ContrastiveSearch::step_with_hidden(const torch::Tensor& tokens, const torch::Tensor& counts,
                                           bool every_token) {
  auto scores = model_.step(tokens, counts, state_, {.every_token = every_token, .hidden = true});
  if (!scores.hidden.defined()) {
    throw std::runtime_error(
        "penalty-alpha needs a model that gives its hidden states; this one gives none, leave it "
        "out");
  }
  return scores;
}

void ContrastiveSearch::read(Prompts prompts) {
  const auto [tokens, counts] = to_batch(prompts);
  const Scores scores = step_with_hidden(tokens, counts, /*every_token=*/true);
  const auto hidden = directions(scores.hidden);  // [P, T, C]
  std::vector<torch::Tensor> last;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto row = static_cast<int64_t>(p);
    const int64_t length = std::ssize(prompts[p]);
    last.push_back(scores.logits[row][length - 1]);
    rows_.push_back({row, row_of(prompts, p, options_), hidden[row].narrow(0, 0, length)});
    generations_.push_back({.prompt = row});
  }
  logits_ = torch::stack(last).to(torch::kFloat);
}

std::vector<RowTokens> ContrastiveSearch::texts() const {
  std::vector<RowTokens> texts;
  for (const Row& row : rows_) texts.push_back(row.text);
  return texts;
}

/// p [B, K] probabilities, candidates [B, K, C] directions -> [B]: which of the K. Eq. 5.
torch::Tensor ContrastiveSearch::choose(const torch::Tensor& p,
                                        const torch::Tensor& candidates) const {
  std::vector<torch::Tensor> likeness;
  for (size_t b = 0; b < rows_.size(); ++b) {
    const auto cosines = candidates[static_cast<int64_t>(b)].matmul(rows_[b].context.t());
    likeness.push_back(cosines.amax(1));  // [K, T] -> [K]
  }
  const double alpha = options_.penalty_alpha;
  const auto scores = (1 - alpha) * p - alpha * torch::stack(likeness);  // [B, K]
  // A forbidden token has no probability, but might be unlike the text.
  return scores.masked_fill(p.eq(0), -std::numeric_limits<double>::infinity()).argmax(1);
}

void ContrastiveSearch::step(const OnToken& on_token) {
  const auto allowed = process(logits_, texts(), processors_);  // [B, V]
  check_something_is_allowed(allowed);
  const int64_t B = logits_.size(0);
  const int64_t K = std::clamp<int64_t>(options_.sampling.top_k, 1, logits_.size(1));
  const auto [p, tokens] = allowed.softmax(-1).topk(K);                  // [B, K] twice
  const auto log_probs = log_probs_of(logits_).gather(1, tokens).cpu();  // [B, K]
  const auto ids = tokens.cpu();                                         // [B, K]
  state_.reorder(torch::arange(B, torch::kLong).repeat_interleave(K));
  const auto read =
      step_with_hidden(ids.view({B * K, 1}), torch::ones({B * K}, torch::kLong), false);
  const auto candidates = directions(read.hidden).view({B, K, -1});  // [B, K, C]
  const auto chosen = choose(p, candidates).cpu();                   // [B]

  std::vector<Row> going_on;
  std::vector<int64_t> chosen_rows;
  for (int64_t b = 0; b < B; ++b) {
    Row& row = rows_[static_cast<size_t>(b)];
    const auto k = chosen[b].item<int64_t>();
    const auto token = ids[b][k].item<int64_t>();
    if (!append_token(generations_[static_cast<size_t>(row.generation)], row.text, row.generation,
                      token, log_probs[b][k].item<double>(), options_, on_token)) {
      continue;
    }
    row.context = torch::cat({row.context, candidates[b].narrow(0, k, 1)});  // [T + 1, C]
    going_on.push_back(std::move(row));
    chosen_rows.push_back(b * K + k);
  }
  rows_ = std::move(going_on);
  if (rows_.empty()) return;
  const auto kept = to_tensor(chosen_rows);
  state_.reorder(kept);
  logits_ = read.logits.select(1, 0).index_select(0, kept.to(logits_.device())).to(torch::kFloat);
}

std::vector<Generation> ContrastiveSearch::run(const OnToken& on_token) {
  while (!rows_.empty() && asks_for_tokens(options_)) {
    if (options_.interrupted && options_.interrupted()) {
      for (const Row& row : rows_) {
        generations_[static_cast<size_t>(row.generation)].finish = FinishReason::kInterrupted;
      }
      break;
    }
    step(on_token);
  }
  return std::move(generations_);
}

}  // namespace

std::vector<Generation> contrastive_search(const NextToken& model, DecodeState& state,
                                           Prompts prompts, const DecodeOptions& options,
                                           const OnToken& on_token) {
  check_request(prompts, model, options);
  const c10::InferenceMode no_gradients;
  ContrastiveSearch search(model, state, options);
  search.read(prompts);
  return search.run(on_token);
}

}  // namespace zoo
