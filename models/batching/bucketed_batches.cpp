#include "models/batching/bucketed_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <random>
#include <stdexcept>
#include <tuple>

#include "models/batching/random.h"

namespace zoo {
namespace {

using Batches = std::vector<std::vector<int64_t>>;

/// How large a batch is while examples join it.
struct BatchSize {
  int64_t rows = 0, source = 0, target = 0;
  BatchSize with(const ExampleLengths& example) const {
    return {rows + 1, std::max(source, example.source), std::max(target, example.target)};
  }
  int64_t tokens() const { return rows * (source + target); }
};

Batches cut(const std::vector<int64_t>& order, const std::vector<ExampleLengths>& lengths,
            const BucketOptions& options) {
  Batches batches;
  BatchSize size;
  for (const int64_t i : order) {
    const BatchSize larger = size.with(lengths[static_cast<size_t>(i)]);
    const bool fits =
        larger.tokens() <= options.tokens && (options.rows == 0 || larger.rows <= options.rows);
    if (batches.empty() || (size.rows > 0 && !fits)) {
      batches.emplace_back();
      size = {};
    }
    batches.back().push_back(i);
    size = size.with(lengths[static_cast<size_t>(i)]);
  }
  return batches;
}

void sort_by_length(std::vector<int64_t>& order, const std::vector<ExampleLengths>& lengths) {
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto &x = lengths[static_cast<size_t>(a)], &y = lengths[static_cast<size_t>(b)];
    return std::tie(x.target, x.source) < std::tie(y.target, y.source);
  });
}

std::vector<int64_t> all_indices(const std::vector<ExampleLengths>& lengths) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

}  // namespace

std::vector<ExampleLengths> lengths_of(const TokenSequences& sequences) {
  std::vector<ExampleLengths> lengths;
  for (int64_t i = 0; i < sequences.size(); ++i) lengths.push_back({.source = sequences.length(i)});
  return lengths;
}

BucketOptions buckets_of_rows(const std::vector<ExampleLengths>& lengths, int64_t rows,
                              uint64_t seed) {
  int64_t longest = 1;
  for (const auto& example : lengths) longest = std::max(longest, example.source + example.target);
  return {.tokens = rows * longest, .rows = rows, .seed = seed};
}

BucketedBatches::BucketedBatches(std::vector<ExampleLengths> lengths, const BucketOptions& options)
    : lengths_(std::move(lengths)), options_(options) {
  if (lengths_.empty()) throw std::invalid_argument("no examples to make batches of");
  if (options_.tokens < 1)
    throw std::invalid_argument(
        fmt::format("a batch must have 1 token or more, got {}", options_.tokens));
  begin_epoch(0);
}

void BucketedBatches::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  next_ = 0;
  auto random = generator_for({options_.seed, static_cast<uint64_t>(epoch)});
  auto order = all_indices(lengths_);
  shuffle(order, random);
  sort_by_length(order, lengths_);
  batches_ = cut(order, lengths_, options_);
  shuffle(batches_, random);
}

std::vector<int64_t> BucketedBatches::next() {
  if (next_ == batches_.size()) begin_epoch(epoch_ + 1);
  return batches_[next_++];
}

std::string BucketedBatches::state() const { return fmt::format("{} {}", epoch_, next_); }

void BucketedBatches::restore(std::string_view state) {
  int64_t epoch = 0, batch = 0;
  const char* const end = state.data() + state.size();
  const auto [middle, first_error] = std::from_chars(state.data(), end, epoch);
  const bool spaced = first_error == std::errc() && middle != end && *middle == ' ';
  const auto [last, second_error] = std::from_chars(spaced ? middle + 1 : end, end, batch);
  if (!spaced || second_error != std::errc() || last != end || epoch < 0 || batch < 0)
    throw std::runtime_error(
        fmt::format("'{}' is no position in the data: expected an epoch and a batch", state));
  begin_epoch(epoch);
  if (batch > batches_per_epoch()) {
    throw std::runtime_error(
        fmt::format("batch {} of an epoch that has {}: the data or the batch size has changed",
                    batch, batches_per_epoch()));
  }
  next_ = static_cast<size_t>(batch);
}

double BucketedBatches::padding_share() const {
  int64_t real = 0, all = 0;
  for (const auto& batch : batches_) {
    BatchSize size;
    for (const int64_t i : batch) {
      const auto& example = lengths_[static_cast<size_t>(i)];
      size = size.with(example);
      real += example.source + example.target;
    }
    all += size.tokens();
  }
  return all == 0 ? 0.0 : 1.0 - static_cast<double>(real) / static_cast<double>(all);
}

Batches sorted_batches(const std::vector<ExampleLengths>& lengths, const BucketOptions& options) {
  auto order = all_indices(lengths);
  sort_by_length(order, lengths);
  return cut(order, lengths, options);
}

}  // namespace zoo
