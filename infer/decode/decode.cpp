// Which strategy, and which options do not go with it.
#include "infer/decode/decode.h"

#include <fmt/format.h>

#include <stdexcept>

#include "infer/decode/beam_search.h"
#include "infer/decode/generate.h"
#include "infer/decode/speculative.h"

namespace zoo {
namespace {

void refuse(bool given, std::string_view name, std::string_view why) {
  if (given) throw std::invalid_argument(fmt::format("{} {}", name, why));
}

void check_beam_search(const DecodeOptions& o, bool has_draft) {
  const auto no_sampling = "is for sampling; beam search draws nothing, leave one of them out";
  const SamplingOptions& s = o.sampling;
  refuse(s.top_k > 0, "top-k", no_sampling);
  refuse(s.top_p < 1, "top-p", no_sampling);
  refuse(s.min_p > 0, "min-p", no_sampling);
  refuse(s.top_a > 0, "top-a", no_sampling);
  refuse(s.typical_p < 1, "typical-p", no_sampling);
  refuse(s.epsilon_cutoff > 0, "epsilon-cutoff", no_sampling);
  refuse(s.eta_cutoff > 0, "eta-cutoff", no_sampling);
  refuse(has_draft, "draft", "does not go with beams; leave num-beams out");
  if (o.num_return_sequences > o.beams.num_beams) {
    throw std::invalid_argument(
        fmt::format("num-return-sequences must be at most num-beams, which is {}, got {}",
                    o.beams.num_beams, o.num_return_sequences));
  }
}

void check_one_text(const DecodeOptions& o) {
  const auto why = "is for beam search; give num-beams above 1";
  const BeamOptions none;
  refuse(o.beams.length_penalty != none.length_penalty, "length-penalty", why);
  refuse(o.beams.length_penalty_form != none.length_penalty_form, "length-penalty-form", why);
  refuse(o.beams.coverage_penalty != none.coverage_penalty, "coverage-penalty", why);
  refuse(o.beams.early_stopping != none.early_stopping, "early-stopping", why);
}

}  // namespace

Strategy strategy_of(const DecodeOptions& options, bool has_draft) {
  check(options);
  if (options.beams.num_beams > 1) {
    check_beam_search(options, has_draft);
    return Strategy::kBeamSearch;
  }
  check_one_text(options);
  if (has_draft) return Strategy::kSpeculative;
  return options.sampling.greedy() ? Strategy::kGreedy : Strategy::kSampling;
}

std::vector<Generation> decode(NextToken& model, DecodeState& state, Prompts prompts,
                               const DecodeOptions& options, const OnToken& on_token,
                               const Draft& draft) {
  switch (strategy_of(options, draft.model != nullptr)) {
    case Strategy::kBeamSearch:
      return beam_search(model, state, prompts, options);
    case Strategy::kSpeculative:
      return speculate(model, state, *draft.model, *draft.state, prompts, options, on_token);
    case Strategy::kGreedy:
    case Strategy::kSampling:
      break;
  }
  return generate(model, state, prompts, options, on_token);
}

}  // namespace zoo
