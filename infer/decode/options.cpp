// Values of options that mean nothing, refused before a model is loaded.
#include "infer/decode/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "infer/decode/require.h"

namespace zoo {
namespace {

using detail::require;

void check_ids(std::string_view name, std::span<const int64_t> ids) {
  for (const int64_t id : ids) require(id >= 0, name, "0 or positive", id);
}

}  // namespace

void check(const ProcessorOptions& o) {
  // Bounded, so that no logit becomes infinite; NaN fails as well.
  const auto factor = "positive, from 1e-6 to 1e6";
  require(o.encoder_repetition_penalty >= 1e-6 && o.encoder_repetition_penalty <= 1e6,
          "encoder-repetition-penalty", factor, o.encoder_repetition_penalty);
  require(o.repetition_penalty >= 1e-6 && o.repetition_penalty <= 1e6, "repetition-penalty", factor,
          o.repetition_penalty);
  require(std::abs(o.presence_penalty) <= 1e6, "presence-penalty", "between -1e6 and 1e6",
          o.presence_penalty);
  require(std::abs(o.frequency_penalty) <= 1e6, "frequency-penalty", "between -1e6 and 1e6",
          o.frequency_penalty);
  require(o.no_repeat_ngram_size >= 0, "no-repeat-ngram-size", "0 or positive",
          o.no_repeat_ngram_size);
  require(o.encoder_no_repeat_ngram_size >= 0, "encoder-no-repeat-ngram-size", "0 or positive",
          o.encoder_no_repeat_ngram_size);
  require(o.min_length >= 0, "min-length", "0 or positive", o.min_length);
  check_ids("suppress-tokens", o.suppress_tokens);
  check_ids("begin-suppress-tokens", o.begin_suppress_tokens);
  check_ids("forced-prefix", o.forced_prefix);
  require(o.forced_bos_token_id.value_or(0) >= 0, "forced-bos-token-id", "0 or positive",
          o.forced_bos_token_id.value_or(0));
  check_ids("forced-eos-token-id", o.forced_eos_token_id);
  for (const auto& word : o.bad_words) {
    require(!word.empty(), "bad-words", "words of at least one token", "an empty one");
    check_ids("bad-words", word);
  }
  for (const SequenceBias& biased : o.sequence_bias) {
    require(!biased.tokens.empty(), "sequence-bias", "for at least one token", "an empty list");
    require(!std::isnan(biased.bias), "sequence-bias", "a number", biased.bias);
    check_ids("sequence-bias", biased.tokens);
  }
  if (const auto decay = o.exponential_decay) {
    require(decay->factor > 0 && decay->factor <= 1e6, "exponential-decay-length-penalty",
            "a start and a positive factor up to 1e6", decay->factor);
  }
}

void check(const BeamOptions& o) {
  require(o.num_beams >= 1, "num-beams", "at least 1", o.num_beams);
  require(std::abs(o.length_penalty) <= 100, "length-penalty", "between -100 and 100",
          o.length_penalty);
  require(o.coverage_penalty >= 0 && std::isfinite(o.coverage_penalty), "coverage-penalty",
          "0 (none) or positive", o.coverage_penalty);
  require(o.num_beam_groups >= 1 && o.num_beams % o.num_beam_groups == 0, "num-beam-groups",
          fmt::format("a divisor of num-beams, which is {}", o.num_beams), o.num_beam_groups);
  require(o.diversity_penalty >= 0 && o.diversity_penalty <= 1e6, "diversity-penalty",
          "0 (none) or positive, up to 1e6", o.diversity_penalty);
  for (const ForcedWord& word : o.force_words) {
    require(!word.empty(), "force-words", "words of at least one token", "an empty one");
    for (const auto& ids : word) {
      require(!ids.empty(), "force-words", "words of at least one token", "an empty one");
      check_ids("force-words", ids);
    }
  }
}

void check(const DecodeOptions& o) {
  require(o.max_new_tokens >= 0, "max-new-tokens", "0 or positive", o.max_new_tokens);
  require(o.max_length >= 0, "max-length", "0 (none) or positive", o.max_length);
  const int64_t least = o.min_new_tokens.value_or(0);
  require(least >= 0, "min-new-tokens", "0 or positive", least);
  require(o.max_length > 0 || least <= o.max_new_tokens, "min-new-tokens",
          fmt::format("at most max-new-tokens, which is {}", o.max_new_tokens), least);
  require(o.num_return_sequences >= 1, "num-return-sequences", "at least 1",
          o.num_return_sequences);
  require(o.first_sample >= 0, "first-sample", "0 or positive", o.first_sample);
  require(o.num_assistant_tokens >= 1 && o.num_assistant_tokens <= 1000, "num-assistant-tokens",
          "from 1 to 1000", o.num_assistant_tokens);
  require(o.penalty_alpha >= 0 && o.penalty_alpha <= 1, "penalty-alpha", "from 0 (none) to 1",
          o.penalty_alpha);
  check(o.sampling);
  check(o.processors);
  check(o.beams);
}

}  // namespace zoo
