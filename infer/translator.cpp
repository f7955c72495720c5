#include "infer/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "infer/decode/decode.h"
#include "infer/decode/forced_words.h"
#include "infer/decode/prompts.h"
#include "infer/decoding_threads.h"
#include "infer/word_ids.h"
#include "models/attention/kernel_override.h"
#include "tokenizers/token_label.h"

namespace zoo {

/// One text as the encoder reads it.
struct Translator::Source {
  int64_t number = 0;
  std::vector<int64_t> ids = {};  // the end-of-text token is the last
  bool truncated = false;
};

SpecialIds pair_ids(const Tokenizer& target, const SpecialIds& given) {
  SpecialIds ids = given;
  if (ids.eos.empty()) {
    for (const auto id : {target.eos_id(), target.sep_id()})
      if (ids.eos.empty() && id) ids.eos.push_back(*id);
  }
  if (ids.eos.empty()) {
    throw std::runtime_error(fmt::format(
        "the {} tokenizer has no end-of-text token, without which a translation never ends; use a "
        "sentencepiece kind, wordpiece, or character with --sequence-tokens",
        target.kind()));
  }
  const auto first = [](std::initializer_list<std::optional<int64_t>> choices) {
    return *std::ranges::find_if(choices, [](const auto& id) { return id.has_value(); });
  };
  if (!ids.bos && target.bos_id()) ids.bos = *target.bos_id();
  if (!ids.pad && target.pad_id()) ids.pad = *target.pad_id();
  if (!ids.decoder_start) ids.decoder_start = first({ids.bos, ids.pad, ids.eos.front()});
  if (!ids.pad) ids.pad = ids.eos.front();
  return ids;
}

Translator::Translator(const TranslationModel& model, const Tokenizer& source,
                       const Tokenizer& target, const SpecialIds& given)
    : model_(model), source_(source), target_(target), decoder_(model.make_decoder()) {
  const SpecialIds ids = pair_ids(target, given);
  start_ = *ids.decoder_start;
  eos_ = ids.eos.front();
  pad_ = *ids.pad;
}

std::vector<Translator::Source> Translator::encode(const std::vector<std::string>& texts) const {
  const int64_t longest = model_.module().longest();
  std::vector<Source> sources;
  for (const auto& text : texts) {
    Source source{.number = std::ssize(sources)};
    for (const int32_t id : source_.ids(text)) source.ids.push_back(id);
    source.truncated = longest > 0 && std::ssize(source.ids) >= longest;
    if (source.truncated) source.ids.resize(static_cast<size_t>(longest - 1));
    source.ids.push_back(eos_);
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
  if (options.max_new_tokens == 0) {
    options.max_new_tokens =
        usual_longest(sources.front()) + missing_tokens(options.beams.force_words, {});
  }
  if (const int64_t longest = model_.module().longest(); longest > 0)
    options.max_new_tokens = std::min(options.max_new_tokens, longest - 1);
  options.eos_ids = {eos_};
  options.usable_vocab = target_.vocab_size();
  for (const int64_t id : {start_, pad_})
    if (id != eos_) options.processors.suppress_tokens.push_back(id);
  const auto state = decoder_->start(batch.tokens, batch.counts, options.max_new_tokens + 1);
  const std::vector<std::vector<int64_t>> prompts(sources.size(), {start_});
  return zoo::decode(*decoder_, *state, prompts, options);
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
      const std::vector<int32_t> ids(made.tokens.begin(), made.tokens.end());
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
  const KernelOverride weights_are_formed(model_.module(), "matmul");
  const std::vector<std::vector<int64_t>> ids = {encode({source}).front().ids};
  // Each token is written after those before it were read.
  std::vector<std::vector<int64_t>> read = {{start_}};
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
