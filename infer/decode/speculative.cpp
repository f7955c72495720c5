// Rounds of drafting and checking; rows keep different numbers of drafts.
#include "infer/decode/speculative.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "infer/decode/append_token.h"
#include "infer/decode/processors.h"
#include "infer/decode/prompts.h"
#include "infer/decode/rows.h"

namespace zoo {
namespace {

/// A model and how much of each row's text it has read.
struct Reader {
  const NextToken& model;
  DecodeState& state;
  std::vector<int64_t> read;

  /// Reads what it has not of each text: [B, T, V] logits after every token.
  torch::Tensor catch_up(Rows texts) {
    std::vector<std::vector<int64_t>> unread;
    for (size_t b = 0; b < texts.size(); ++b) {
      unread.emplace_back(texts[b].all.begin() + read[b], texts[b].all.end());
      read[b] = std::ssize(texts[b].all);
    }
    const auto [tokens, counts] = to_batch(unread);
    return model.step(tokens, counts, state, {.every_token = true}).logits.to(torch::kFloat);
  }
  void keep_at_most(const std::vector<int64_t>& lengths) {
    for (size_t b = 0; b < read.size(); ++b) read[b] = std::min(read[b], lengths[b]);
    state.truncate(to_tensor(read));
  }
  void keep_rows(const std::vector<int64_t>& rows) {
    std::vector<int64_t> kept;
    for (const int64_t row : rows) kept.push_back(read[static_cast<size_t>(row)]);
    read = kept;
    state.reorder(to_tensor(rows));
  }
};

/// What each random number of a position decides; they come from (seed, sample, position).
enum Purpose : uint64_t { kDrawDraft, kKeepDraft, kDrawInstead, kPurposes };

class Speculation {
 public:
  Speculation(Reader target, Reader draft, Prompts prompts, const DecodeOptions& options)
      : target_(std::move(target)),
        draft_(std::move(draft)),
        options_(options),
        processors_(logits_processors(options)) {
    for (size_t p = 0; p < prompts.size(); ++p) {
      for (int64_t s = 0; s < options.num_return_sequences; ++s) {
        rows_.push_back(std::ssize(generations_));
        generations_.push_back({.prompt = std::ssize(texts_) / options.num_return_sequences,
                                .sample = options.first_sample + s});
        texts_.push_back(row_of(prompts, p, options));
      }
    }
  }
  std::vector<Generation> run(const OnToken& on_token);

 private:
  torch::Tensor probabilities(const torch::Tensor& logits, Rows texts) const;
  double number(size_t row, int64_t position, Purpose purpose) const;
  std::vector<RowTokens> drafted(std::vector<torch::Tensor>& distributions);
  int64_t choose(size_t row, const std::vector<RowTokens>& drafts, int64_t at,
                 const std::vector<torch::Tensor>& q, const torch::Tensor& p) const;
  bool accept(size_t row, int64_t token, double log_prob, const OnToken& on_token);
  void round(const OnToken& on_token);
  void drop(const std::vector<bool>& ended);

  Reader target_, draft_;
  const DecodeOptions& options_;
  std::vector<LogitsProcessor> processors_;
  std::vector<Generation> generations_;
  std::vector<int64_t> rows_;  // which generation each row belongs to
  std::vector<RowTokens> texts_;
};

/// [B, V] double on the CPU: what sampling would draw from; greedy: all on one token.
torch::Tensor Speculation::probabilities(const torch::Tensor& logits, Rows texts) const {
  const auto allowed = process(logits, texts, processors_);
  check_something_is_allowed(allowed);
  if (options_.sampling.greedy()) {
    const auto best = allowed.argmax(-1, /*keepdim=*/true);
    return torch::zeros_like(allowed).scatter_(1, best, 1.0).to(torch::kCPU, torch::kDouble);
  }
  return filter_logits(allowed, options_.sampling).to(torch::kCPU, torch::kDouble).softmax(-1);
}

double Speculation::number(size_t row, int64_t position, Purpose purpose) const {
  const auto& generation = generations_[static_cast<size_t>(rows_[row])];
  return uniform_number(options_.seed, static_cast<uint64_t>(generation.sample),
                        static_cast<uint64_t>(position) * kPurposes + purpose);
}

/// Texts with num_assistant_tokens drafts behind them; distributions: what each was drawn from.
std::vector<RowTokens> Speculation::drafted(std::vector<torch::Tensor>& distributions) {
  auto drafts = texts_;
  for (int64_t i = 0; i < options_.num_assistant_tokens; ++i) {
    const auto before = draft_.read;
    const auto logits = draft_.catch_up(drafts);  // [B, T, V]
    std::vector<torch::Tensor> last;
    for (size_t b = 0; b < drafts.size(); ++b) {
      last.push_back(logits[static_cast<int64_t>(b)][draft_.read[b] - before[b] - 1]);
    }
    distributions.push_back(probabilities(torch::stack(last), drafts));  // [B, V]
    std::vector<double> numbers;
    for (size_t b = 0; b < drafts.size(); ++b) {
      numbers.push_back(number(b, std::ssize(drafts[b].generated()), kDrawDraft));
    }
    const auto drawn = draw_tokens(distributions.back().log(), torch::tensor(numbers));
    for (size_t b = 0; b < drafts.size(); ++b) {
      drafts[b].all.push_back(drawn[static_cast<int64_t>(b)].item<int64_t>());
    }
  }
  return drafts;
}

/// The token at the at-th drafted position: the draft, or one drawn instead of it. p [V].
int64_t Speculation::choose(size_t row, const std::vector<RowTokens>& drafts, int64_t at,
                            const std::vector<torch::Tensor>& q, const torch::Tensor& p) const {
  const auto position = std::ssize(texts_[row].generated());
  auto rest = p;
  if (at < std::ssize(q)) {
    const auto of_draft = q[static_cast<size_t>(at)][static_cast<int64_t>(row)];  // [V]
    const int64_t token = drafts[row].generated()[static_cast<size_t>(position)];
    const double share = p[token].item<double>() / of_draft[token].item<double>();
    if (number(row, position, kKeepDraft) < share) return token;
    rest = (p - of_draft).clamp_min(0);
  }
  const auto log_rest = rest.log().unsqueeze(0);  // draw_tokens normalises
  return draw_tokens(log_rest, torch::tensor({number(row, position, kDrawInstead)}))
      .item<int64_t>();
}

/// True where the row goes on.
bool Speculation::accept(size_t row, int64_t token, double log_prob, const OnToken& on_token) {
  return append_token(generations_[static_cast<size_t>(rows_[row])], texts_[row], rows_[row], token,
                      log_prob, options_, on_token);
}

void Speculation::round(const OnToken& on_token) {
  std::vector<torch::Tensor> q;
  const auto drafts = drafted(q);
  const auto before = target_.read;
  const auto logits = target_.catch_up(drafts);  // [B, T, V]
  std::vector<bool> ended(texts_.size());
  std::vector<int64_t> lengths;
  for (size_t b = 0; b < texts_.size(); ++b) {
    const int64_t first = std::ssize(texts_[b].all) - before[b] - 1;
    for (int64_t at = 0; at <= std::ssize(q) && !ended[b]; ++at) {
      const auto own = logits[static_cast<int64_t>(b)][first + at].unsqueeze(0);  // [1, V]
      const auto p = probabilities(own, std::span(&texts_[b], 1))[0];
      const auto log_probs = log_probs_of(own)[0];
      const int64_t token = choose(b, drafts, at, q, p);
      ended[b] = !accept(b, token, log_probs[token].item<double>(), on_token);
      const auto position = texts_[b].all.size() - 1;
      if (position >= drafts[b].all.size() || drafts[b].all[position] != token) break;
    }
    lengths.push_back(std::ssize(texts_[b].all) - 1);  // the last one is read in the next round
  }
  target_.keep_at_most(lengths);
  draft_.keep_at_most(lengths);
  drop(ended);
}

void Speculation::drop(const std::vector<bool>& ended) {
  if (std::ranges::count(ended, true) == 0) return;
  std::vector<int64_t> kept, rows;
  std::vector<RowTokens> texts;
  for (size_t b = 0; b < ended.size(); ++b) {
    if (ended[b]) continue;
    kept.push_back(static_cast<int64_t>(b));
    rows.push_back(rows_[b]);
    texts.push_back(std::move(texts_[b]));
  }
  rows_ = rows;
  texts_ = std::move(texts);
  if (rows_.empty()) return;
  target_.keep_rows(kept);
  draft_.keep_rows(kept);
}

std::vector<Generation> Speculation::run(const OnToken& on_token) {
  const auto N = options_.num_return_sequences;
  const auto first_rows = torch::arange(std::ssize(rows_) / N, torch::kLong).repeat_interleave(N);
  for (Reader* reader : {&target_, &draft_}) {
    reader->state.reorder(first_rows);
    reader->read.assign(rows_.size(), 0);
  }
  while (!rows_.empty() && asks_for_tokens(options_)) {
    if (options_.interrupted && options_.interrupted()) {
      for (const int64_t row : rows_) {
        generations_[static_cast<size_t>(row)].finish = FinishReason::kInterrupted;
      }
      break;
    }
    round(on_token);
  }
  return std::move(generations_);
}

}  // namespace

std::vector<Generation> speculate(const NextToken& model, DecodeState& state,
                                  const NextToken& draft, DecodeState& draft_state, Prompts prompts,
                                  const DecodeOptions& options, const OnToken& on_token) {
  check_request(prompts, model, options);
  check_prompts(prompts, draft, options);
  if (!state.can_truncate() || !draft_state.can_truncate()) {
    throw std::runtime_error(
        "speculative decoding must take drafts back, which the state of a recurrent model or of a "
        "mixer cannot; decode without --draft");
  }
  if (model.vocab_size() != draft.vocab_size()) {
    throw std::runtime_error(
        fmt::format("the draft model has a vocabulary of {}, the model one of {}; they must be the "
                    "same tokens",
                    draft.vocab_size(), model.vocab_size()));
  }
  const c10::InferenceMode no_gradients;
  return Speculation({model, state, {}}, {draft, draft_state, {}}, prompts, options).run(on_token);
}

}  // namespace zoo
