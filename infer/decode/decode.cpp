// Which strategy, and which options do not go with it.
#include "infer/decode/decode.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "infer/decode/beam/beam_search.h"
#include "infer/decode/beam/forced_words.h"
#include "infer/decode/contrastive.h"
#include "infer/decode/generate.h"
#include "infer/decode/speculative.h"

namespace zoo {
namespace {

void refuse(bool given, std::string_view name, std::string_view why) {
  if (given) throw std::invalid_argument(fmt::format("{} {}", name, why));
}

/// What shapes a distribution that is drawn from; `top_k_too`: where it is for nothing else.
void refuse_filters(const SamplingOptions& s, std::string_view why, bool top_k_too = true) {
  refuse(top_k_too && s.top_k > 0, "top-k", why);
  refuse(s.top_h > 0, "top-h", why);
  refuse(s.top_p < 1, "top-p", why);
  refuse(s.min_p > 0, "min-p", why);
  refuse(s.top_a > 0, "top-a", why);
  refuse(s.typical_p < 1, "typical-p", why);
  refuse(s.epsilon_cutoff > 0, "epsilon-cutoff", why);
  refuse(s.eta_cutoff > 0, "eta-cutoff", why);
}

void check_groups(const BeamOptions& o) {
  refuse(o.num_beam_groups > 1 && o.diversity_penalty == 0, "num-beam-groups",
         "needs a diversity-penalty above 0, without which all groups find the same");
  refuse(o.num_beam_groups == 1 && o.diversity_penalty > 0, "diversity-penalty",
         "is for groups of beams; give num-beam-groups above 1");
  refuse(o.num_beam_groups > 1 && !o.force_words.empty(), "force-words",
         "does not go with groups of beams; leave num-beam-groups out");
}

void check_beam_search(const DecodeOptions& o, bool has_draft) {
  const auto no_sampling =
      "is for sampling; beam search draws nothing, leave one of them out, or give do-sample";
  if (!o.beams.sample) refuse_filters(o.sampling, no_sampling);
  refuse(o.beams.sample && o.sampling.greedy(), "temperature",
         "must be above 0 where beams are drawn; leave do-sample out, or it");
  refuse(o.beams.sample && !o.beams.force_words.empty(), "force-words",
         "does not go with drawn beams; leave do-sample out");
  refuse(o.penalty_alpha > 0, "penalty-alpha", "does not go with beams; leave num-beams out");
  check_groups(o.beams);
  const int64_t least = missing_tokens(o.beams.force_words, {});
  if (o.max_length == 0 && least > o.max_new_tokens) {
    throw std::invalid_argument(
        fmt::format("force-words needs {} tokens, more than max-new-tokens, which is {}", least,
                    o.max_new_tokens));
  }
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
  refuse(o.beams.diversity_penalty != none.diversity_penalty, "diversity-penalty", why);
  refuse(!o.beams.force_words.empty(), "force-words", why);
}

void check_contrastive(const DecodeOptions& o, bool has_draft) {
  refuse(o.sampling.top_k == 0, "penalty-alpha", "needs top-k, the number of candidates, as 4");
  refuse_filters(o.sampling,
                 "is for sampling; contrastive search draws nothing, leave penalty-alpha out",
                 /*top_k_too=*/false);
  refuse(has_draft, "draft", "does not go with contrastive search; leave penalty-alpha out");
  refuse(o.num_return_sequences > 1, "num-return-sequences",
         "must be 1 for contrastive search, which finds one text; leave penalty-alpha out");
}

}  // namespace

Strategy strategy_of(const DecodeOptions& options, bool has_draft) {
  check(options);
  if (options.beams.num_beams > 1) {
    check_beam_search(options, has_draft);
    return Strategy::kBeamSearch;
  }
  check_one_text(options);
  if (options.penalty_alpha > 0) {
    check_contrastive(options, has_draft);
    return Strategy::kContrastive;
  }
  if (options.sampling.greedy()) {
    refuse_filters(options.sampling,
                   "is for sampling; temperature 0 draws nothing, leave one of them out");
  }
  if (has_draft) return Strategy::kSpeculative;
  return options.sampling.greedy() ? Strategy::kGreedy : Strategy::kSampling;
}

std::vector<Generation> decode(const NextToken& model, std::unique_ptr<DecodeState> state,
                               Prompts prompts, const DecodeOptions& options,
                               const OnToken& on_token, const Draft& draft) {
  switch (strategy_of(options, draft.model != nullptr)) {
    case Strategy::kBeamSearch:
      return beam_search(model, *state, prompts, options);
    case Strategy::kSpeculative:
      return speculate(model, *state, *draft.model, *draft.state, prompts, options, on_token);
    case Strategy::kContrastive:
      return contrastive_search(model, *state, prompts, options, on_token);
    case Strategy::kGreedy:
    case Strategy::kSampling:
      break;
  }
  return generate(model, std::move(state), prompts, options, on_token);
}

}  // namespace zoo
