// Options of decoding, with the names of `transformers`' generate in kebab-case.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/named_enum.h"
#include "infer/decode/sampling.h"

namespace zoo {

/// Makes a sequence of tokens more or less likely: adds `bias` to its last token after the others.
struct SequenceBias {
  std::vector<int64_t> tokens;
  double bias = 0.0;
};

/// After `start` new tokens, an end of text gains |score| (factor^n - 1), where n counts the tokens
/// since.
struct ExponentialDecay {
  int64_t start = 0;
  double factor = 1.0;
};

/// Changes of the scores in all strategies; the functions are in penalties.h and constraints.h. The
/// "source" is the encoder's input; without an encoder, the prompt.
struct ProcessorOptions {
  std::vector<SequenceBias> sequence_bias = {};
  double encoder_repetition_penalty = 1.0;   ///< above 1: tokens of the source come rather; 1: none
  double repetition_penalty = 1.0;           ///< 1: none
  double presence_penalty = 0.0;             ///< 0: none
  double frequency_penalty = 0.0;            ///< 0: none
  int64_t no_repeat_ngram_size = 0;          ///< 0: n-grams may come back
  int64_t encoder_no_repeat_ngram_size = 0;  ///< 0: n-grams of the source may come
  int64_t min_length = 0;                    ///< no end of text before; counts the prompt as well
  std::vector<int64_t> suppress_tokens = {};         ///< never drawn
  std::vector<int64_t> begin_suppress_tokens = {};   ///< not drawn first
  std::optional<int64_t> forced_bos_token_id = {};   ///< what follows a prompt of one token
  std::vector<int64_t> forced_eos_token_id = {};     ///< one of them is a longest text's last token
  std::vector<int64_t> forced_prefix = {};           ///< the first new tokens, after that one
  std::vector<std::vector<int64_t>> bad_words = {};  ///< sequences that never come
  std::optional<ExponentialDecay> exponential_decay = {};
  bool remove_invalid_values = false;  ///< infinite scores become the largest that there are
  bool renormalize_logits = false;     ///< scores are log-probabilities again after all of this
};

template <class Visitor>
void visit(ProcessorOptions& o, Visitor&& v) {
  v("encoder-repetition-penalty", o.encoder_repetition_penalty,
    "Above 1: makes tokens of the source, or of the prompt, more likely (1: no)");
  v("repetition-penalty", o.repetition_penalty,
    "Makes tokens of the prompt and the text less likely (1: no)");
  v("presence-penalty", o.presence_penalty, "Subtracted once from tokens of the text (0: no)");
  v("frequency-penalty", o.frequency_penalty, "Subtracted each time that a token came (0: no)");
  v("no-repeat-ngram-size", o.no_repeat_ngram_size, "No n tokens come twice (0: they may)");
  v("encoder-no-repeat-ngram-size", o.encoder_no_repeat_ngram_size,
    "No n tokens of the source, or of the prompt, come (0: they may)");
  v("min-length", o.min_length, "Fewest tokens of a text, prompt included (0: no limit)");
  v("suppress-tokens", o.suppress_tokens, "Ids that are never chosen");
  v("begin-suppress-tokens", o.begin_suppress_tokens, "Ids that are never chosen first");
  v("forced-bos-token-id", o.forced_bos_token_id,
    "Id of the first new token, where one token stands before it");
  v("forced-eos-token-id", o.forced_eos_token_id,
    "Id of the last token of a text that is cut at its greatest length");
  v("remove-invalid-values", o.remove_invalid_values, "Make infinite scores finite");
  v("renormalize-logits", o.renormalize_logits,
    "Turn scores into log-probabilities again after all penalties and filters");
}

/// The divisor of a sum of log-probabilities, so that long texts are not penalised for their
/// length.
enum class LengthPenalty { kLength, kGnmt };
template <>
struct EnumNames<LengthPenalty> {
  static constexpr std::string_view what = "length penalty";
  static constexpr std::pair<LengthPenalty, std::string_view> values[] = {
      {LengthPenalty::kLength, "length"},  // length^alpha, as `transformers`
      {LengthPenalty::kGnmt, "gnmt"}};     // ((5 + length) / 6)^alpha, Wu et al. 2016, Eq. 14
};

/// When a beam search ends before every beam has ended.
enum class EarlyStopping { kFalse, kTrue, kNever };
template <>
struct EnumNames<EarlyStopping> {
  static constexpr std::string_view what = "early stopping";
  static constexpr std::pair<EarlyStopping, std::string_view> values[] = {
      {EarlyStopping::kFalse, "false"},   // no open beam scores better now than the finished ones
      {EarlyStopping::kTrue, "true"},     // num_beams texts have ended
      {EarlyStopping::kNever, "never"}};  // no open beam can still score better at any length
};

/// A forced word: its alternative spellings as tokens, of which one is enough.
using ForcedWord = std::vector<std::vector<int64_t>>;

struct BeamOptions {
  int64_t num_beams = 1;        ///< 1: no beam search
  double length_penalty = 1.0;  ///< alpha; 0: none
  LengthPenalty length_penalty_form = LengthPenalty::kLength;
  double coverage_penalty = 0.0;  ///< beta of Wu et al. 2016; 0: none
  EarlyStopping early_stopping = EarlyStopping::kFalse;
  int64_t num_beam_groups = 1;     ///< groups of num_beams / num_beam_groups that avoid each other
  double diversity_penalty = 0.0;  ///< lambda of Vijayakumar et al. 2016, Hamming diversity
  bool sample = false;             ///< continuations are drawn instead of the best ones taken
  std::vector<ForcedWord> force_words = {};  ///< each comes in every text
};

template <class Visitor>
void visit(BeamOptions& o, Visitor&& v) {
  v("num-beams", o.num_beams, "Beams: texts that are searched side by side (1: no beam search)");
  v("length-penalty", o.length_penalty, "Above 0 favours longer texts, below 0 shorter ones");
  v("length-penalty-form", o.length_penalty_form,
    "Formula that has --length-penalty as its exponent");
  v("coverage-penalty", o.coverage_penalty,
    "Penalty on translations that leave out a part of the source (0: none)");
  v("early-stopping", o.early_stopping, "When beam search ends");
  v("num-beam-groups", o.num_beam_groups,
    "Groups of beams that avoid each other's tokens (1: no groups)");
  v("diversity-penalty", o.diversity_penalty,
    "Subtracted for each beam of an earlier group that has just taken the same token");
}

/// Whether a text ends with these new tokens.
using StopRule = std::function<bool(std::span<const int64_t> new_tokens)>;

struct DecodeOptions {
  int64_t max_new_tokens = 200;
  int64_t max_length =
      0;  ///< the same with the prompt's tokens, instead of max_new_tokens; 0: none
  std::optional<int64_t> min_new_tokens = {};  ///< before them no end of text; replaces min_length
  int64_t num_return_sequences = 1;  ///< of each prompt. Sampling: sample s draws from stream s
  int64_t first_sample = 0;  ///< number of the first one: work may be cut into several calls
  uint64_t seed = 0;
  double penalty_alpha = 0.0;  ///< contrastive search among the top_k tokens; 0: none
  SamplingOptions sampling = {};
  ProcessorOptions processors = {};
  BeamOptions beams = {};
  int64_t num_assistant_tokens = 5;   ///< that a draft model proposes at a time
  std::vector<int64_t> eos_ids = {};  ///< drawing one of them ends a row
  int64_t usable_vocab =
      0;  ///< ids from it on are never drawn (tables padded past the tokenizer's); 0: all
  std::span<const std::vector<int64_t>> sources = {};  ///< what an encoder has read, one a prompt
  std::function<bool()> interrupted = {};              ///< called once a step; true ends all rows
  StopRule stops = {};  ///< e.g. stop_strings_rule() of text_stream.h
};

/// The maximum number of new tokens after a prompt of `prompt_length`.
inline int64_t longest_continuation(const DecodeOptions& o, int64_t prompt_length) {
  return o.max_length > 0 ? o.max_length - prompt_length : o.max_new_tokens;
}

/// Whether at least one new token is requested.
inline bool asks_for_tokens(const DecodeOptions& o) {
  return o.max_length > 0 || o.max_new_tokens > 0;
}

template <class Visitor>
void visit(DecodeOptions& o, Visitor&& v) {
  v("max-new-tokens", o.max_new_tokens, "Most new tokens of a continuation");
  v("max-length", o.max_length,
    "Most tokens of a text, prompt included; --max-new-tokens replaces it (0: no limit)");
  v("min-new-tokens", o.min_new_tokens,
    "Fewest new tokens of a continuation; replaces --min-length");
  v("num-return-sequences", o.num_return_sequences, "Continuations of each prompt");
  v("seed", o.seed, "Seed of the draws");
  v("penalty-alpha", o.penalty_alpha,
    "Contrastive search among --top-k tokens: weight of being unlike the text so far (0: no)");
}

/// Throw std::invalid_argument naming the option, the allowed values and its value.
void check(const ProcessorOptions& options);
void check(const BeamOptions& options);
void check(const DecodeOptions& options);

}  // namespace zoo
