// The loop of beam search: all beams of all prompts are rows of one batch.
#include "infer/decode/beam/beam_search.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

#include "infer/decode/beam/beam.h"
#include "infer/decode/beam/beam_banks.h"
#include "infer/decode/beam/beam_candidates.h"
#include "infer/decode/beam/beam_groups.h"
#include "infer/decode/beam/forced_words.h"
#include "infer/decode/processors.h"
#include "infer/decode/prompts.h"
#include "infer/decode/rows.h"

namespace zoo {
namespace {

class BeamSearch {
 public:
  BeamSearch(const NextToken& model, DecodeState& state, const DecodeOptions& options)
      : model_(model),
        state_(state),
        options_(options),
        processors_(logits_processors(options, &taken_)),
        groups_(options.beams.num_beam_groups),
        width_(options.beams.num_beams / groups_),
        missing_at_start_(missing_tokens(options.beams.force_words, {})) {}

  void read(Prompts prompts);
  std::vector<Generation> run();

 private:
  void take(const Scores& scores);
  void step();
  void advance();
  torch::Tensor scores_of(const torch::Tensor& log_probs, Rows texts) const;
  std::vector<Candidate> candidates(const Search& search, const torch::Tensor& scores,
                                    const torch::Tensor& log_probs, uint64_t draws) const;
  std::optional<FinishReason> end_of(const Beam& beam, int64_t token) const;
  Beam grown(const Beam& beam, const Candidate& candidate, int64_t row) const;
  void finish(Search& search, Beam beam, FinishReason why);
  void interrupt();
  std::vector<Generation> ranked() const;

  const NextToken& model_;
  DecodeState& state_;
  const DecodeOptions& options_;
  std::vector<int64_t> taken_;  // by the earlier groups of the prompt at hand, at this step
  std::vector<LogitsProcessor> processors_;
  int64_t step_ = 0;
  int64_t groups_, width_, missing_at_start_;
  std::vector<Search> searches_;  // the groups of a prompt side by side
  std::vector<int64_t> rows_;     // which old row each beam continues, searches one after the other
  torch::Tensor logits_;          // [R, V] float
  torch::Tensor attention_;       // [R, S] or undefined
};

void BeamSearch::take(const Scores& scores) {
  logits_ = scores.logits.select(1, 0).to(torch::kFloat);
  if (options_.beams.coverage_penalty == 0.0) return;
  if (!scores.cross_attention.defined()) {
    throw std::runtime_error(
        "coverage-penalty needs a model that attends to a source; this one has none, leave it out");
  }
  attention_ = scores.cross_attention.select(1, 0).to(torch::kCPU, torch::kDouble);
}

void BeamSearch::read(Prompts prompts) {
  const auto [tokens, counts] = to_batch(prompts);
  take(model_.step(tokens, counts, state_,
                   {.cross_attention = options_.beams.coverage_penalty != 0.0}));
  for (size_t p = 0; p < prompts.size(); ++p) {
    searches_.insert(
        searches_.end(), static_cast<size_t>(groups_),
        {.beams = {{.text = row_of(prompts, p, options_)}}, .finished = {width_, options_.beams}});
  }
  if (groups_ == 1) return;
  state_.reorder(torch::arange(std::ssize(prompts), torch::kLong).repeat_interleave(groups_));
  logits_ = logits_.repeat_interleave(groups_, 0);
  if (attention_.defined()) attention_ = attention_.repeat_interleave(groups_, 0);
}

std::vector<RowTokens> texts_of(std::span<const Search> searches) {
  std::vector<RowTokens> texts;
  for (const Search& search : searches) {
    for (const Beam& beam : search.beams) texts.push_back(beam.text);
  }
  return texts;
}

/// log_probs [R, V] of these texts, after penalties and, where beams are drawn, filters.
torch::Tensor BeamSearch::scores_of(const torch::Tensor& log_probs, Rows texts) const {
  auto scores = process(log_probs, texts, processors_);
  if (!options_.beams.sample) return scores;
  const SamplingOptions& sampling = options_.sampling;
  // One token that ends no text always stays.
  const int64_t keep = 1 + std::max<int64_t>(1, std::ssize(options_.eos_ids));
  auto filtered = filter_logits(scores, sampling, keep);
  // What scaling moved, equal for all tokens of a beam, but not for all beams.
  if (sampling.temperature != 1.0) filtered += scores.amax(-1, true) / sampling.temperature;
  return options_.processors.renormalize_logits ? filtered.log_softmax(-1) : filtered;
}

std::optional<FinishReason> BeamSearch::end_of(const Beam& beam, int64_t token) const {
  if (std::ranges::count(options_.eos_ids, token) > 0) return FinishReason::kEos;
  std::vector<int64_t> tokens(beam.text.generated().begin(), beam.text.generated().end());
  tokens.push_back(token);
  if (options_.stops && options_.stops(tokens)) return FinishReason::kStop;
  if (std::ssize(tokens) >= beam.text.longest) return FinishReason::kLength;
  return {};
}

/// The best continuations of the search's n beams, and which of them would end. scores, log_probs
/// [n, V]: after and before penalties. draws: decides what is drawn, where anything is.
std::vector<Candidate> BeamSearch::candidates(const Search& search, const torch::Tensor& scores,
                                              const torch::Tensor& log_probs,
                                              uint64_t draws) const {
  std::vector<float> sums;
  for (const Beam& beam : search.beams) sums.push_back(static_cast<float>(beam.sum));
  const auto totals = scores + torch::tensor(sums).unsqueeze(1).to(scores.device());  // [n, V]
  // So many that all beams go on even if every beam's best continuations are ends of text.
  const int64_t count = (1 + std::max<int64_t>(1, std::ssize(options_.eos_ids))) * width_;
  const auto& words = options_.beams.force_words;
  std::vector<Candidate> best;
  if (!words.empty()) {
    best = candidates_with_words(search.beams, words, totals, log_probs, count);
  } else if (options_.beams.sample) {
    best = drawn_candidates(totals, log_probs, count,
                            {.seed = options_.seed, .stream = draws, .step = step_});
  } else {
    best = best_candidates(totals, log_probs, count);
  }
  for (Candidate& candidate : best) {
    candidate.ends = end_of(search.beams[static_cast<size_t>(candidate.beam)], candidate.token);
  }
  // No text ends without its words.
  std::erase_if(best, [](const Candidate& c) { return c.ends && c.missing > 0; });
  return best;
}

Beam BeamSearch::grown(const Beam& beam, const Candidate& candidate, int64_t row) const {
  Beam longer = beam;
  longer.text.all.push_back(candidate.token);
  longer.log_probs.push_back(candidate.log_prob);
  longer.sum = candidate.sum;
  if (attention_.defined()) {
    longer.coverage = beam.coverage.defined() ? beam.coverage + attention_[row] : attention_[row];
  }
  return longer;
}

void BeamSearch::finish(Search& search, Beam beam, FinishReason why) {
  const auto tokens = beam.text.generated();
  search.finished.add({.tokens = {tokens.begin(), tokens.end()},
                       .log_probs = std::move(beam.log_probs),
                       .sum = beam.sum,
                       .coverage = beam.coverage,
                       .finish = why});
}

void BeamSearch::step() {
  const auto log_probs = log_probs_of(logits_);  // [R, V]
  // Groups see what those before them have taken; without groups all beams are processed at once.
  auto scores = groups_ > 1 ? log_probs : scores_of(log_probs, texts_of(searches_));
  rows_.clear();
  int64_t first = 0;
  for (size_t s = 0; s < searches_.size(); ++s) {
    Search& search = searches_[s];
    if (s % static_cast<size_t>(groups_) == 0) taken_.clear();
    const int64_t n = std::ssize(search.beams);
    if (n == 0) continue;
    auto own = scores.narrow(0, first, n);  // [n, V]
    if (groups_ > 1) own = scores_of(own, texts_of({&search, 1}));
    // A function of the group and the step alone, so that a prompt draws the same in any batch.
    const auto group = static_cast<uint64_t>(s) % static_cast<uint64_t>(groups_);
    const auto best = candidates(search, own, log_probs.narrow(0, first, n), group);
    const auto selection = select_by_bank(best, width_, missing_at_start_);
    for (const auto* chosen : {&selection.open, &selection.ended}) {
      for (const Candidate& candidate : *chosen)
        if (uses_beam(candidate)) taken_.push_back(candidate.token);
    }
    const auto beams = std::exchange(search.beams, {});
    const auto grow = [&](const Candidate& candidate) {
      return grown(beams[static_cast<size_t>(candidate.beam)], candidate, first + candidate.beam);
    };
    for (const Candidate& candidate : selection.ended) {
      finish(search, grow(candidate), *candidate.ends);
    }
    if (!selection.open.empty() &&
        search.finished.may_improve(selection.open.front().sum,
                                    std::ssize(beams.front().log_probs) + 1,
                                    beams.front().text.longest)) {
      for (const Candidate& candidate : selection.open) {
        search.beams.push_back(grow(candidate));
        rows_.push_back(first + candidate.beam);
      }
    }
    first += n;
  }
  ++step_;
}

void BeamSearch::advance() {
  state_.reorder(to_tensor(rows_));
  std::vector<int64_t> tokens;
  for (const Search& search : searches_) {
    for (const Beam& beam : search.beams) tokens.push_back(beam.text.all.back());
  }
  take(model_.step(to_tensor(tokens).unsqueeze(1), torch::ones({std::ssize(tokens)}, torch::kLong),
                   state_, {.cross_attention = attention_.defined()}));
}

void BeamSearch::interrupt() {
  for (Search& search : searches_) {
    for (Beam& beam : std::exchange(search.beams, {})) {
      finish(search, std::move(beam), FinishReason::kInterrupted);
    }
  }
}

std::vector<Generation> BeamSearch::ranked() const {
  std::vector<Generation> all;
  const auto groups = static_cast<size_t>(groups_);
  for (size_t first = 0; first < searches_.size(); first += groups) {
    const auto best = best_of_groups(std::span(searches_).subspan(first, groups));
    if (best.empty()) check_something_is_allowed(torch::full({1, 1}, -INFINITY));
    const int64_t count = std::min(options_.num_return_sequences, std::ssize(best));
    for (int64_t rank = 0; rank < count; ++rank) {
      const Hypothesis& hypothesis = best[static_cast<size_t>(rank)];
      all.push_back({.prompt = static_cast<int64_t>(first / groups),
                     .sample = rank,
                     .tokens = hypothesis.tokens,
                     .log_probs = hypothesis.log_probs,
                     .score = hypothesis.score,
                     .finish = hypothesis.finish});
    }
  }
  return all;
}

std::vector<Generation> BeamSearch::run() {
  while (true) {
    if (options_.interrupted && options_.interrupted()) {
      interrupt();
      break;
    }
    step();
    if (rows_.empty()) break;
    advance();
  }
  return ranked();
}

}  // namespace

std::vector<Generation> beam_search(const NextToken& model, DecodeState& state, Prompts prompts,
                                    const DecodeOptions& options) {
  check_request(prompts, model, options);
  if (!asks_for_tokens(options)) {
    std::vector<Generation> empty(prompts.size());
    for (size_t p = 0; p < prompts.size(); ++p) empty[p].prompt = static_cast<int64_t>(p);
    return empty;
  }
  const c10::InferenceMode no_gradients;
  BeamSearch search(model, state, options);
  search.read(prompts);
  return search.run();
}

}  // namespace zoo
