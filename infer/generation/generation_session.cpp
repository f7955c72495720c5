// Prompts cut into batches, and what each batch prints while it grows.
#include "infer/generation/generation_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/interrupt.h"
#include "base/usage_error.h"
#include "infer/decode/decode.h"
#include "infer/decode/prompts.h"
#include "infer/decode/row_memory.h"
#include "infer/generation/live_text.h"
#include "infer/generation/word_tokens.h"

namespace zoo {
namespace {

DecodeOptions completed(DecodeOptions o, const LanguageModel& model,
                        const SessionOptions& session) {
  o.beams.force_words = forced_words(*model.tokenizer, session.force_words);
  for (const std::string& word : session.bad_words) {
    for (auto& ids : spellings(*model.tokenizer, word)) o.processors.bad_words.push_back(ids);
  }
  o.eos_ids = model.eos_ids;
  o.interrupted = InterruptGuard::requested;
  // Lengths that count the prompt do not count what every prompt begins with.
  const int64_t prefix = std::ssize(model.tokenizer->ids(model.prefix));
  if (o.max_length > 0) o.max_length += prefix;
  if (o.processors.min_length > 0) o.processors.min_length += prefix;
  return o;
}

}  // namespace

void check_session(const DecodeOptions& generate, const SessionOptions& options) {
  try {
    strategy_of(generate, !options.draft.empty());
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("--{}", error.what()));
  }
  check_forced_words(options.force_words, generate.beams.num_beams);
  if (options.batch_size < 1) {
    throw UsageError(fmt::format("--batch-size must be at least 1, got {}", options.batch_size));
  }
  if (std::ranges::any_of(options.stop, &std::string::empty)) {
    throw UsageError("--stop must not be empty: the text would end before it began");
  }
  if (std::ranges::any_of(options.bad_words, &std::string::empty)) {
    throw UsageError("--bad-words must not be empty: name what shall not be written");
  }
}

GenerationSession::GenerationSession(LanguageModel model, DecodeOptions generate,
                                     SessionOptions options, std::ostream& out, Gpt draft)
    : model_(std::move(model)),
      generate_(completed(std::move(generate), model_, options)),
      options_(std::move(options)),
      out_(out),
      decoder_(model_.model, !options_.no_cache) {
  check_session(generate_, options_);
  if (draft) draft_ = std::make_unique<GptDecoder>(draft, !options_.no_cache);
  // Other texts are looked at while they are written.
  if (!options_.stop.empty() && generate_.beams.num_beams > 1)
    generate_.stops = stop_strings_rule(*model_.tokenizer, options_.stop);
}

std::vector<std::vector<int64_t>> GenerationSession::ids_of(
    const std::vector<std::string>& prompts) const {
  std::vector<std::vector<int64_t>> ids;
  for (const std::string& prompt : prompts) {
    ids.push_back(encode_prompt(*model_.tokenizer, model_.prefix + prompt,
                                options_.add_special_tokens, model_.bos));
  }
  check_prompts(ids, decoder_, generate_);
  return ids;
}

bool GenerationSession::run(const std::vector<std::string>& prompts, int64_t first_sample) {
  ids_ = ids_of(prompts);
  LiveText live(out_);
  // All samples of as many prompts as fit, or a part of one prompt's samples.
  const int64_t samples = generate_.num_return_sequences, beams = generate_.beams.num_beams;
  const int64_t rows = std::max(options_.batch_size, beams > 1 ? samples : 1);
  const auto together = static_cast<size_t>(std::max<int64_t>(1, rows / std::max(samples, beams)));
  for (size_t p = 0; p < prompts.size(); p += together) {
    const size_t count = std::min(together, prompts.size() - p);
    for (int64_t done = 0; done < samples;) {
      const int64_t now = std::min(rows, samples - done);
      const Batch batch{
          .first_prompt = p, .prompts = count, .first_sample = first_sample + done, .samples = now};
      if (!run_batch(prompts, batch, first_sample, live)) return false;
      done += now;
    }
  }
  return true;
}

std::vector<TextStream> GenerationSession::streams(const std::vector<std::string>& prompts,
                                                   const Batch& batch) const {
  std::vector<TextStream> all;
  for (size_t p = 0; p < batch.prompts; ++p) {
    const bool at_start = prompts[batch.first_prompt + p].empty();
    for (int64_t s = 0; s < batch.samples; ++s) {
      all.emplace_back(*model_.tokenizer, options_.stop, at_start);
    }
  }
  return all;
}

/// One line for each text; empty ones where there is but one text.
std::vector<std::string> GenerationSession::headings(const std::vector<std::string>& prompts,
                                                     const Batch& batch,
                                                     int64_t first_sample) const {
  const int64_t samples = generate_.num_return_sequences;
  std::vector<std::string> lines;
  for (size_t p = 0; p < batch.prompts; ++p) {
    for (int64_t s = 0; s < batch.samples; ++s) {
      std::string names;
      if (prompts.size() > 1)
        names = fmt::format("prompt {} of {}", batch.first_prompt + p + 1, prompts.size());
      if (samples > 1) {
        names += fmt::format("{}sample {} of {}", names.empty() ? "" : ", ",
                             batch.first_sample - first_sample + s + 1, samples);
      }
      lines.push_back(names.empty() ? "" : "== " + names);
    }
  }
  return lines;
}

/// The most tokens that a row of the batch is read of at once.
int64_t GenerationSession::longest_row(const Batch& batch) const {
  int64_t longest = 0;
  for (const auto& prompt : std::span(ids_).subspan(batch.first_prompt, batch.prompts))
    longest = std::max<int64_t>(longest, std::ssize(prompt));
  // No sum: max-new-tokens may be as large as its type.
  constexpr int64_t kEndless = std::numeric_limits<int64_t>::max() / 4;
  const int64_t limit = decoder_.longest_prompt(), context = limit > 0 ? limit : kEndless;
  const int64_t drafts = draft_ ? generate_.num_assistant_tokens : 0;  // read, even if not kept
  const int64_t tokens = longest_continuation(generate_, longest);
  return std::min(context, std::min(tokens, context) + longest + drafts);
}

std::vector<Generation> GenerationSession::compute(const Batch& batch, const OnToken& on_token) {
  const auto ids = std::span(ids_).subspan(batch.first_prompt, batch.prompts);
  auto options = generate_;
  options.first_sample = batch.first_sample;
  options.num_return_sequences = batch.samples;
  auto state = decoder_.start(std::ssize(ids), longest_row(batch));
  if (!draft_) return decode(decoder_, std::move(state), ids, options, on_token);
  const auto draft_state = draft_->start(std::ssize(ids));
  return decode(decoder_, std::move(state), ids, options, on_token,
                {draft_.get(), draft_state.get()});
}

bool GenerationSession::run_batch(const std::vector<std::string>& prompts, const Batch& batch,
                                  int64_t first_sample, LiveText& live) {
  check_row_memory(decoder_.row_bytes(longest_row(batch)), generate_.beams.num_beams, batch.samples,
                   static_cast<int64_t>(batch.prompts));
  auto texts = streams(prompts, batch);
  const auto prompt_of = [&](size_t row) -> const std::string& {
    return prompts[batch.first_prompt + row / static_cast<size_t>(batch.samples)];
  };
  const auto show = [&](size_t row, const std::string& part) {
    if (!options_.json) live.add(row, part);
  };
  live.begin(options_.json ? std::vector<std::string>() : headings(prompts, batch, first_sample));
  if (options_.return_full_text) {
    for (size_t row = 0; row < texts.size(); ++row) show(row, prompt_of(row));
  }
  std::vector<bool> ended(texts.size());
  const auto end = [&](size_t row) {
    if (ended[row]) return;
    ended[row] = true;
    if (!texts[row].stopped()) show(row, texts[row].finish());
    if (!options_.json) live.end(row);
  };
  const auto write = [&](int64_t number, int64_t token) {
    const auto row = static_cast<size_t>(number);
    const bool is_end = std::ranges::find(generate_.eos_ids, token) != generate_.eos_ids.end();
    if (!is_end) show(row, texts[row].push(token));
    // At once, so that the next text is shown live.
    if (is_end || texts[row].stopped()) end(row);
    return !texts[row].stopped();
  };
  const auto generations = compute(batch, write);
  bool whole = true;
  for (const Generation& generation : generations) {
    const int64_t number = (generation.prompt * batch.samples) + generation.sample -
                           (generate_.beams.num_beams > 1 ? 0 : batch.first_sample);
    const auto row = static_cast<size_t>(number);
    if (generate_.beams.num_beams > 1) {  // known only now
      for (const int64_t token : generation.tokens) write(number, token);
    }
    end(row);
    if (options_.json) write_json(prompt_of(row), generation, texts[row].text());
    new_tokens_ += std::ssize(generation.tokens);
    whole = whole && generation.finish != FinishReason::kInterrupted;
  }
  for (size_t row = 0; row < texts.size(); ++row) end(row);  // fewer texts than were asked for
  return whole;
}

void GenerationSession::write_json(const std::string& prompt, const Generation& generation,
                                   const std::string& text) {
  const nlohmann::ordered_json line = {{"input", prompt},
                                       {"prompt", prompt},
                                       {"sample", generation.sample},
                                       {"text", text},
                                       {"tokens", generation.tokens},
                                       {"finish_reason", name_of(generation.finish)},
                                       {"score", generation.score},
                                       {"logprob", generation.log_prob()},
                                       {"token_logprobs", generation.log_probs}};
  // A prompt may hold bytes that are no UTF-8 (a command line is bytes); JSON may not.
  out_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n' << std::flush;
}

}  // namespace zoo
