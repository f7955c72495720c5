#include "infer/translation/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "infer/decode/beam/forced_words.h"
#include "infer/decode/decode.h"
#include "infer/decode/prompts.h"
#include "infer/decode/row_memory.h"
#include "infer/generation/decoding_threads.h"
#include "infer/generation/word_tokens.h"
#include "infer/text_model.h"
#include "tokenizers/token_label.h"

namespace zoo {

/// One text as the encoder reads it.
struct Translator::Source {
  int64_t number = 0;
  std::vector<int64_t> ids = {};  // with what the template puts around the text
  bool truncated = false;
};

Translator::Translator(const TranslationModel& model, const Tokenizer& source,
                       const Tokenizer& target, PairFormat format)
    : model_(model),
      source_(source),
      target_(target),
      decoder_(model.make_decoder()),
      format_(std::move(format)) {
  const int64_t V = model.module().target_vocab_size();
  if (format_.start >= 0 && format_.start < V) return;
  throw std::runtime_error(fmt::format(
      "decoder_start_token_id is {}, the model's vocabulary is 0 to {}", format_.start, V - 1));
}

std::vector<std::vector<int64_t>> Translator::ids_of(const std::vector<std::string>& texts) const {
  std::vector<std::vector<int64_t>> ids;
  for (Source& source : encode(texts)) ids.push_back(std::move(source.ids));
  return ids;
}

std::vector<Translator::Source> Translator::encode(const std::vector<std::string>& texts) const {
  const int64_t longest = model_.module().longest(), V = model_.module().source_vocab_size();
  std::vector<Source> sources;
  for (const auto& text : texts) {
    Source source{.number = std::ssize(sources)};
    source.ids = source_ids(source_, format_, text, longest, source.truncated);
    const auto name = fmt::format("text {}", source.number + 1);
    if (source.ids.empty())
      throw std::runtime_error(name + " has no token, and the tokenizer puts none around it");
    const auto highest = static_cast<int32_t>(std::ranges::max(source.ids));
    check_token_rows({&highest, 1}, V, source_, name);
    sources.push_back(std::move(source));
  }
  return sources;
}

/// Of a translation, in steps of 16 so that texts of like length have the same.
int64_t Translator::usual_longest(const Source& source) {
  return (2 * std::ssize(source.ids) + 10 + 15) / 16 * 16;
}

std::vector<Generation> Translator::decode(const std::vector<Source>& sources,
                                           DecodeOptions options) const {
  std::vector<std::vector<int64_t>> rows;
  for (const auto& source : sources) rows.push_back(source.ids);
  const TokenBatch batch = to_batch(rows);  // [B, S]
  if (options.max_length == 0 && options.max_new_tokens == 0) {
    options.max_new_tokens =
        usual_longest(sources.front()) + missing_tokens(options.beams.force_words, {});
    options.max_new_tokens = std::max(options.max_new_tokens, options.min_new_tokens.value_or(0));
  }
  if (const int64_t longest = model_.module().longest(); longest > 0) {
    options.max_new_tokens = std::min(options.max_new_tokens, longest - 1);
    options.max_length = std::min(options.max_length, longest);
  }
  if (options.eos_ids.empty()) options.eos_ids = format_.ends;
  options.sources = rows;
  const int64_t most = longest_continuation(options, 1) + 1;
  if (options.min_new_tokens) options.min_new_tokens = std::min(*options.min_new_tokens, most - 1);
  check_row_memory(decoder_->row_bytes(most), options.beams.num_beams, options.num_return_sequences,
                   std::ssize(sources));
  auto state = decoder_->start(batch.tokens, batch.counts, most);
  const std::vector<std::vector<int64_t>> prompts(sources.size(), {format_.start});
  return zoo::decode(*decoder_, std::move(state), prompts, options);
}

std::vector<Translation> Translator::translate(const std::vector<std::string>& texts,
                                               const TranslatorOptions& options) const {
  auto sources = encode(texts);
  std::ranges::stable_sort(sources, {}, [](const Source& s) { return s.ids.size(); });
  DecodeOptions decoding = options.decode;
  for (auto& word : forced_words(target_, options.force_words))
    decoding.beams.force_words.push_back(std::move(word));
  const DecodingThreads threads(model_.module());
  std::vector<Translation> translations;
  for (size_t begin = 0; begin < sources.size();) {
    size_t end = std::min(begin + static_cast<size_t>(options.batch_size), sources.size());
    // One limit a batch, so that no translation depends on what is translated beside it.
    while (usual_longest(sources[end - 1]) > usual_longest(sources[begin])) --end;
    const std::vector<Source> batch(sources.begin() + static_cast<std::ptrdiff_t>(begin),
                                    sources.begin() + static_cast<std::ptrdiff_t>(end));
    for (auto& made : decode(batch, decoding)) {
      const auto& source = batch[static_cast<size_t>(made.prompt)];
      std::vector<int32_t> ids(made.tokens.begin(), made.tokens.end());
      // Rows of the model's table that the tokenizer has no token for are no text.
      std::erase_if(ids, [&](int32_t id) { return id >= target_.vocab_size(); });
      translations.push_back({.source = source.number,
                              .rank = made.sample,
                              .text = target_.decode(ids, /*skip_special=*/true),
                              .tokens = std::move(made.tokens),
                              .score = made.score,
                              .truncated = source.truncated});
    }
    begin = end;
    if (options.on_progress) options.on_progress(static_cast<int64_t>(end));
    if (options.decode.interrupted && options.decode.interrupted()) break;
  }
  std::ranges::stable_sort(translations, {},
                           [](const Translation& t) { return std::pair(t.source, t.rank); });
  return translations;
}

Alignment Translator::align(const std::string& source, const Translation& translation) const {
  const std::vector<std::vector<int64_t>> ids = {encode({source}).front().ids};
  // Each token is written after those before it were read.
  std::vector<std::vector<int64_t>> read = {{format_.start}};
  read[0].insert(read[0].end(), translation.tokens.begin(), translation.tokens.end());
  read[0].pop_back();
  const TokenBatch sources = to_batch(ids), targets = to_batch(read);
  const auto state = decoder_->start(sources.tokens, sources.counts, std::ssize(read[0]));
  const auto scores = decoder_->step(targets.tokens, targets.counts, *state,
                                     {.every_token = true, .cross_attention = true});
  Alignment alignment{.weights =
                          scores.cross_attention[0].to(torch::kCPU, torch::kFloat)};  // [T, S]
  for (const int64_t id : ids[0]) alignment.source.push_back(token_label(source_, id));
  for (const int64_t id : translation.tokens) alignment.target.push_back(token_label(target_, id));
  return alignment;
}

}  // namespace zoo
