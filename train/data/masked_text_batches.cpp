#include "train/data/masked_text_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "models/batching/padding.h"
#include "train/data/fingerprint.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr uint64_t kFixedSeed = 0x76616c6964;

}  // namespace

MaskedBatch mask_batch(const SentenceExamples& examples, std::span<const int64_t> indices,
                       const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                       int64_t pad, const std::function<MaskingDraw(int64_t index)>& draw) {
  const auto original = examples.ids.at(indices);
  std::vector<std::vector<int64_t>> tokens, labels, segments;
  std::vector<int64_t> pair;
  for (const int64_t index : indices) {
    const auto ids = examples.ids.at(index);
    auto masked = mask_tokens(ids, examples.words.at(index), vocabulary, options, draw(index));
    tokens.push_back(std::move(masked.tokens));
    labels.push_back(std::move(masked.labels));
    const auto first = static_cast<size_t>(examples.first_part[static_cast<size_t>(index)]);
    segments.emplace_back(ids.size(), 1);
    std::fill_n(segments.back().begin(), first, 0);
    pair.push_back(examples.pair[static_cast<size_t>(index)]);
  }
  return {.tokens = pad_rows(tokens, {.filler = pad}),       // [B, T]
          .original = pad_rows(original, {.filler = pad}),   // [B, T]
          .labels = pad_rows(labels, {.filler = kIgnored}),  // [B, T]
          .segments = pad_rows(segments),                    // [B, T]
          .lengths = row_lengths(original),                  // [B]
          .pair = torch::tensor(pair, torch::kLong)};        // [B]
}

MaskedBatches::MaskedBatches(SentenceExamples examples, const Tokenizer& tokenizer,
                             const MaskedBatchOptions& options)
    : examples_(std::move(examples)),
      vocabulary_(tokenizer),
      pad_(*tokenizer.pad_id()),
      options_(options),
      batches_(lengths_of(examples_.ids),
               buckets_of_rows(lengths_of(examples_.ids), options.rows, options.seed)) {}

MaskedBatch MaskedBatches::next() {
  const auto draw = [&](int64_t index) {
    const uint64_t row = rows_drawn_++;
    return MaskingDraw{options_.seed, options_.static_masks ? static_cast<uint64_t>(index) : row};
  };
  return mask_batch(examples_, batches_.next(), vocabulary_, options_.masking, pad_, draw);
}

std::string MaskedBatches::state() const {
  return fmt::format("{} {}", rows_drawn_, batches_.state());
}

void MaskedBatches::restore(std::string_view state) {
  const char* const end = state.data() + state.size();
  const auto [rest, error] = std::from_chars(state.data(), end, rows_drawn_);
  if (error != std::errc() || rest == end || *rest != ' ')
    throw std::runtime_error(fmt::format("'{}' is no position in the sentences", state));
  batches_.restore(std::string_view(rest + 1, static_cast<size_t>(end - rest - 1)));
}

std::string fingerprint_of(const SentenceExamples& examples) {
  return DataFingerprint()
      .add(examples.ids)
      .add(examples.words)
      .add(std::span(examples.first_part))
      .add(std::span(examples.pair))
      .text();
}

std::vector<MaskedBatch> fixed_masked_batches(const SentenceExamples& examples,
                                              const Tokenizer& tokenizer,
                                              const MaskedBatchOptions& options) {
  const MaskingVocabulary vocabulary(tokenizer);
  const auto draw = [](int64_t index) {
    return MaskingDraw{kFixedSeed, static_cast<uint64_t>(index)};
  };
  const auto lengths = lengths_of(examples.ids);
  const auto buckets = buckets_of_rows(lengths, options.rows, options.seed);
  std::vector<MaskedBatch> batches;
  for (const auto& indices : sorted_batches(lengths, buckets)) {
    batches.push_back(
        mask_batch(examples, indices, vocabulary, options.masking, *tokenizer.pad_id(), draw));
  }
  return batches;
}

}  // namespace zoo
