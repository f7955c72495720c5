#include "train/data/masked_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "models/layers/token_selection.h"
#include "train/objectives/next_token.h"

namespace zoo {
namespace {

constexpr uint64_t kFixedSeed = 0x76616c6964;

std::vector<ExampleLengths> lengths_of(const SentenceExamples& examples) {
  std::vector<ExampleLengths> lengths;
  for (int64_t i = 0; i < examples.size(); ++i) lengths.push_back({examples.ids.length(i), 0});
  return lengths;
}

/// As many sequences a batch as `rows` of the longest; shorter ones come in no larger numbers.
BucketOptions bucket_options(const SentenceExamples& examples, const MaskedBatchOptions& o) {
  int64_t longest = 1;
  for (int64_t i = 0; i < examples.size(); ++i) longest = std::max(longest, examples.ids.length(i));
  return {.tokens = o.rows * longest, .rows = o.rows, .seed = o.seed};
}

}  // namespace

MaskedBatch MaskedBatch::to(torch::Device device) const {
  return {.tokens = tokens.to(device),
          .original = original.to(device),
          .labels = labels.to(device),
          .segments = segments.to(device),
          .lengths = lengths.to(device),
          .pair = pair.to(device)};
}

torch::Tensor MaskedBatch::places() const { return indices_of(labels.ne(kIgnored)); }

torch::Tensor MaskedBatch::targets() const { return labels.flatten().index_select(0, places()); }

bool MaskedBatch::has_targets() const { return labels.ne(kIgnored).any().item<bool>(); }

MaskedBatch mask_batch(const SentenceExamples& examples, std::span<const int64_t> indices,
                       const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                       int64_t pad, const std::function<MaskingDraw(int64_t index)>& draw) {
  const int64_t rows = std::ssize(indices);
  int64_t longest = 0;
  for (const int64_t index : indices) longest = std::max(longest, examples.ids.length(index));
  MaskedBatch batch{.tokens = torch::full({rows, longest}, pad, torch::kLong),
                    .original = {},
                    .labels = torch::full({rows, longest}, kIgnored, torch::kLong),
                    .segments = torch::zeros({rows, longest}, torch::kLong),
                    .lengths = torch::empty({rows}, torch::kLong),
                    .pair = torch::empty({rows}, torch::kLong)};
  batch.original = batch.tokens.clone();
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t index = indices[static_cast<size_t>(row)], length = examples.ids.length(index);
    const auto ids = examples.ids.at(index);
    const auto masked =
        mask_tokens(ids, examples.words.at(index), vocabulary, options, draw(index));
    const auto put = [&](const torch::Tensor& rows_of, const auto& values) {
      std::copy(values.begin(), values.end(), rows_of.data_ptr<int64_t>() + row * longest);
    };
    put(batch.tokens, masked.tokens);
    put(batch.labels, masked.labels);
    put(batch.original, ids);
    const int64_t first = examples.first_part[static_cast<size_t>(index)];
    batch.segments[row].slice(0, first, length).fill_(1);
    batch.lengths[row] = length;
    batch.pair[row] = examples.pair[static_cast<size_t>(index)];
  }
  return batch;
}

MaskedBatches::MaskedBatches(SentenceExamples examples, const Tokenizer& tokenizer,
                             const MaskedBatchOptions& options)
    : examples_(std::move(examples)),
      vocabulary_(tokenizer),
      pad_(*tokenizer.pad_id()),
      options_(options),
      batches_(lengths_of(examples_), bucket_options(examples_, options)) {}

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
    throw std::runtime_error(fmt::format("'{}' is no place in sentences", state));
  batches_.restore(std::string_view(rest + 1, static_cast<size_t>(end - rest - 1)));
}

std::vector<MaskedBatch> fixed_masked_batches(const SentenceExamples& examples,
                                              const Tokenizer& tokenizer,
                                              const MaskedBatchOptions& options) {
  const MaskingVocabulary vocabulary(tokenizer);
  const auto draw = [](int64_t index) {
    return MaskingDraw{kFixedSeed, static_cast<uint64_t>(index)};
  };
  std::vector<MaskedBatch> batches;
  for (const auto& indices :
       sorted_batches(lengths_of(examples), bucket_options(examples, options))) {
    batches.push_back(
        mask_batch(examples, indices, vocabulary, options.masking, *tokenizer.pad_id(), draw));
  }
  return batches;
}

}  // namespace zoo
