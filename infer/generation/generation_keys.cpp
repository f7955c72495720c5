// The attributes of `transformers` 5.23's GenerationConfig, in the order of its documentation.
#include "infer/generation/generation_keys.h"

#include <algorithm>
#include <iterator>

namespace zoo {
namespace {

constexpr auto kTaken = KeyUse::kTaken;
constexpr auto kIgnored = KeyUse::kIgnored;
constexpr auto kRefused = KeyUse::kRefused;

constexpr std::string_view kArgument =
    "it is an argument of Python's generate and no setting; the reference refuses it, too";

constexpr GenerationKey kKeys[] = {
    // Length
    {"max_length", kTaken},
    {"max_new_tokens", kTaken},
    {"min_length", kTaken},
    {"min_new_tokens", kTaken},
    {"early_stopping", kTaken},
    {"max_time", kRefused, "texts would depend on the machine's speed; give --max-new-tokens"},
    {"stop_strings", kTaken},
    // Strategy
    {"do_sample", kTaken},
    {"num_beams", kTaken},
    {"num_beam_groups", kTaken},
    {"diversity_penalty", kTaken},
    {"length_penalty", kTaken},
    {"penalty_alpha", kTaken},
    {"num_return_sequences", kTaken},
    {"force_words_ids", kRefused, "give the words themselves with --force-words"},
    {"constraints", kRefused, "give words with --force-words"},
    {"dola_layers", kRefused, "decoding by contrasting layers is not supported"},
    {"guidance_scale", kRefused, "classifier-free guidance is not supported"},
    {"token_healing", kRefused, "prompts are read as they are"},
    // Scores
    {"temperature", kTaken},
    {"top_k", kTaken},
    {"top_p", kTaken},
    {"min_p", kTaken},
    {"top_h", kTaken},
    {"typical_p", kTaken},
    {"epsilon_cutoff", kTaken},
    {"eta_cutoff", kTaken},
    {"repetition_penalty", kTaken},
    {"encoder_repetition_penalty", kTaken},
    {"no_repeat_ngram_size", kTaken},
    {"encoder_no_repeat_ngram_size", kTaken},
    {"bad_words_ids", kTaken},
    {"sequence_bias", kTaken},
    {"renormalize_logits", kTaken},
    {"forced_bos_token_id", kTaken},
    {"forced_eos_token_id", kTaken},
    {"force_bos_token_to_be_generated", kTaken},
    {"remove_invalid_values", kTaken},
    {"exponential_decay_length_penalty", kTaken},
    {"suppress_tokens", kTaken},
    {"begin_suppress_tokens", kTaken},
    {"watermarking_config", kRefused, "watermarks are not supported"},
    // Tokens with a job
    {"bos_token_id", kTaken},
    {"eos_token_id", kTaken},
    {"pad_token_id", kTaken},
    {"decoder_start_token_id", kTaken},
    // Caches, compilation and drafts: the same texts
    {"use_cache", kIgnored},
    {"cache_implementation", kIgnored},
    {"cache_config", kIgnored},
    {"max_cache_len", kIgnored},
    {"low_memory", kIgnored},
    {"prefill_chunk_size", kIgnored},
    {"compile_config", kIgnored},
    {"disable_compile", kIgnored},
    {"continuous_batching_config", kIgnored},
    {"use_mtp", kIgnored},
    {"is_assistant", kIgnored},
    {"num_assistant_tokens", kIgnored},
    {"num_assistant_tokens_schedule", kIgnored},
    {"assistant_confidence_threshold", kIgnored},
    {"prompt_lookup_num_tokens", kIgnored},
    {"max_matching_ngram_size", kIgnored},
    {"assistant_early_exit", kIgnored},
    {"assistant_lookbehind", kIgnored},
    {"target_lookbehind", kIgnored},
    {"assistant_ensemble_weight", kRefused, "drafts are checked by the model alone"},
    {"speculation_type", kIgnored},
    // What is returned besides the text
    {"output_attentions", kIgnored},
    {"output_hidden_states", kIgnored},
    {"output_scores", kIgnored},
    {"output_logits", kIgnored},
    {"return_dict_in_generate", kIgnored},
    // About the file
    {"transformers_version", kIgnored},
    {"_from_model_config", kIgnored},
    {"_commit_hash", kIgnored},
    // Arguments
    {"logits_processor", kRefused, kArgument},
    {"stopping_criteria", kRefused, kArgument},
    {"prefix_allowed_tokens_fn", kRefused, kArgument},
    {"synced_gpus", kRefused, kArgument},
    {"assistant_model", kRefused, kArgument},
    {"streamer", kRefused, kArgument},
    {"negative_prompt_ids", kRefused, kArgument},
    {"negative_prompt_attention_mask", kRefused, kArgument},
};

}  // namespace

const GenerationKey* find_generation_key(std::string_view name) {
  const auto* const found = std::ranges::find(kKeys, name, &GenerationKey::name);
  return found == std::end(kKeys) ? nullptr : found;
}

}  // namespace zoo
