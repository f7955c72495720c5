// From options to the list of what acts on the scores.
#include "infer/decode/processors.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include "infer/decode/beam/beam_groups.h"
#include "infer/decode/constraints.h"
#include "infer/decode/penalties.h"

namespace zoo {
namespace {

using Processors = std::vector<LogitsProcessor>;

void add_biases(Processors& list, const DecodeOptions& o, const std::vector<int64_t>* taken) {
  if (!o.processors.sequence_bias.empty()) {
    list.push_back([all = o.processors.sequence_bias](const torch::Tensor& logits, Rows rows) {
      return add_sequence_bias(logits, rows, all);
    });
  }
  if (taken != nullptr && o.beams.diversity_penalty != 0.0) {
    list.push_back([taken, penalty = o.beams.diversity_penalty](const torch::Tensor& logits, Rows) {
      return penalise_taken(logits, *taken, penalty);
    });
  }
}

void add_penalties(Processors& list, const ProcessorOptions& o) {
  if (o.encoder_repetition_penalty != 1.0) {
    list.push_back(
        [penalty = 1 / o.encoder_repetition_penalty](const torch::Tensor& logits, Rows rows) {
          const auto there = tokens_of_sources(rows, logits.size(1));
          return penalise_repetition(logits, there.to(logits.device()), penalty);
        });
  }
  if (o.repetition_penalty != 1.0) {
    list.push_back([penalty = o.repetition_penalty](const torch::Tensor& logits, Rows rows) {
      const auto counts = count_tokens(rows, logits.size(1), /*generated_only=*/false);
      return penalise_repetition(logits, counts.gt(0).to(logits.device()), penalty);
    });
  }
  if (o.presence_penalty != 0.0 || o.frequency_penalty != 0.0) {
    list.push_back([presence = o.presence_penalty, frequency = o.frequency_penalty](
                       const torch::Tensor& logits, Rows rows) {
      const auto counts = count_tokens(rows, logits.size(1), /*generated_only=*/true);
      return penalise_presence_and_frequency(logits, counts.to(logits.device()), presence,
                                             frequency);
    });
  }
}

void add_repetitions_and_bad_words(Processors& list, const DecodeOptions& o) {
  if (const int64_t n = o.processors.no_repeat_ngram_size; n > 0) {
    list.push_back([n](const torch::Tensor& logits, Rows rows) {
      return forbid_repeated_ngrams(logits, rows, n);
    });
  }
  if (const int64_t n = o.processors.encoder_no_repeat_ngram_size; n > 0) {
    list.push_back([n](const torch::Tensor& logits, Rows rows) {
      return forbid_ngrams_of_sources(logits, rows, n);
    });
  }
  auto words = o.processors.bad_words;
  // An end-of-text token alone is no word: the text could not end.
  std::erase_if(words, [&](const auto& word) {
    return word.size() == 1 && std::ranges::count(o.eos_ids, word.front()) > 0;
  });
  if (!words.empty()) {
    list.push_back([words](const torch::Tensor& logits, Rows rows) {
      return forbid_words(logits, rows, words);
    });
  }
}

/// min_new_tokens replaces min_length, as in the reference.
void add_minimum(Processors& list, const DecodeOptions& o) {
  const auto least_new = o.min_new_tokens;
  const int64_t least = o.processors.min_length;
  if (o.eos_ids.empty() || (least_new ? *least_new == 0 : least == 0)) return;
  list.push_back([least, least_new, ends = o.eos_ids](const torch::Tensor& logits, Rows rows) {
    std::vector<std::vector<int64_t>> ids;
    for (const RowTokens& row : rows) {
      const bool too_short =
          least_new ? std::ssize(row.generated()) < *least_new : std::ssize(row.all) < least;
      ids.push_back(too_short ? ends : std::vector<int64_t>());
    }
    return forbid_tokens_of_rows(logits, ids);
  });
}

/// The tokens of which a row must take one now; none: any.
std::vector<int64_t> forced_now(const RowTokens& row, const ProcessorOptions& o) {
  const int64_t next = std::ssize(row.generated());
  if (!o.forced_eos_token_id.empty() && next == row.longest - 1) return o.forced_eos_token_id;
  // As in the reference: the token that follows what a decoder starts from.
  const bool first = o.forced_bos_token_id && row.prompt_length == 1;
  if (first && next == 0) return {*o.forced_bos_token_id};
  const auto at = static_cast<size_t>(next - (first ? 1 : 0));
  if (at < o.forced_prefix.size()) return {o.forced_prefix[at]};
  return {};
}

void add_forced(Processors& list, const ProcessorOptions& o) {
  if (!o.forced_bos_token_id && o.forced_prefix.empty() && o.forced_eos_token_id.empty()) return;
  list.push_back([o](const torch::Tensor& logits, Rows rows) {
    std::vector<std::vector<int64_t>> forced;
    for (const RowTokens& row : rows) forced.push_back(forced_now(row, o));
    return force_tokens(logits, forced);
  });
}

void add_decay(Processors& list, const DecodeOptions& o) {
  if (o.processors.remove_invalid_values) {
    list.push_back([](const torch::Tensor& logits, Rows) {
      return logits.nan_to_num();  // infinities become the largest numbers
    });
  }
  if (!o.processors.exponential_decay || o.eos_ids.empty()) return;
  list.push_back([decay = *o.processors.exponential_decay, ends = o.eos_ids](
                     const torch::Tensor& logits, Rows rows) {
    return favour_ends(logits, rows, ends, decay);
  });
}

void add_suppressed(Processors& list, const ProcessorOptions& o) {
  if (!o.suppress_tokens.empty()) {
    list.push_back([ids = o.suppress_tokens](const torch::Tensor& logits, Rows) {
      return forbid_tokens(logits, ids);
    });
  }
  if (o.begin_suppress_tokens.empty()) return;
  list.push_back([ids = o.begin_suppress_tokens, forced = o.forced_bos_token_id.has_value()](
                     const torch::Tensor& logits, Rows rows) {
    std::vector<std::vector<int64_t>> of_rows;
    for (const RowTokens& row : rows) {
      // After a forced first token, the second one is the first that is chosen.
      const int64_t begin = forced && row.prompt_length == 1 ? 1 : 0;
      of_rows.push_back(std::ssize(row.generated()) == begin ? ids : std::vector<int64_t>());
    }
    return forbid_tokens_of_rows(logits, of_rows);
  });
}

}  // namespace

std::vector<LogitsProcessor> logits_processors(const DecodeOptions& o,
                                               const std::vector<int64_t>* taken) {
  Processors list;
  if (o.usable_vocab > 0) {
    list.push_back([usable = o.usable_vocab](const torch::Tensor& logits, Rows) {
      const int64_t V = logits.size(1);
      if (usable >= V) return logits;
      auto allowed = logits.clone();
      allowed.narrow(1, usable, V - usable).fill_(-std::numeric_limits<double>::infinity());
      return allowed;
    });
  }
  add_biases(list, o, taken);
  add_penalties(list, o.processors);
  add_repetitions_and_bad_words(list, o);
  add_minimum(list, o);
  add_forced(list, o.processors);
  add_decay(list, o);
  add_suppressed(list, o.processors);
  // A draw normalises by itself, and where beams are drawn, filters come first.
  if (o.processors.renormalize_logits && !o.beams.sample) {
    list.push_back([](const torch::Tensor& logits, Rows) { return logits.log_softmax(-1); });
  }
  return list;
}

torch::Tensor process(torch::Tensor logits, Rows rows,
                      const std::vector<LogitsProcessor>& processors) {
  for (const LogitsProcessor& processor : processors) logits = processor(logits, rows);
  return logits;
}

std::optional<int64_t> row_without_tokens(const torch::Tensor& logits) {
  const auto without = logits.amax(-1).isneginf();  // [B]
  if (!without.any().item<bool>()) return {};
  return without.to(torch::kInt).argmax().item<int64_t>();
}

void check_something_is_allowed(const torch::Tensor& logits) {
  if (row_without_tokens(logits)) throw std::runtime_error(kEveryTokenIsForbidden);
}

void check_ids(const DecodeOptions& o, int64_t vocab_size) {
  const auto check = [&](std::string_view name, std::span<const int64_t> ids) {
    for (const int64_t id : ids) {
      if (id >= 0 && id < vocab_size) continue;
      throw std::runtime_error(fmt::format("{} has token id {}, the model's vocabulary is 0 to {}",
                                           name, id, vocab_size - 1));
    }
  };
  check("suppress-tokens", o.processors.suppress_tokens);
  check("begin-suppress-tokens", o.processors.begin_suppress_tokens);
  check("forced-prefix", o.processors.forced_prefix);
  check("forced-bos-token-id", std::vector{o.processors.forced_bos_token_id.value_or(0)});
  check("forced-eos-token-id", o.processors.forced_eos_token_id);
  for (const auto& word : o.processors.bad_words) check("bad-words", word);
  for (const auto& biased : o.processors.sequence_bias) check("sequence-bias", biased.tokens);
  for (const ForcedWord& word : o.beams.force_words) {
    for (const auto& ids : word) check("force-words", ids);
  }
}

}  // namespace zoo
