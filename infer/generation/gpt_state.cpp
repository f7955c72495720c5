#include "infer/generation/gpt_state.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "infer/decode/rows.h"

namespace zoo {

int64_t window_start(int64_t length, int64_t context) {
  if (length <= context) return 0;
  const int64_t dropped = (context + 1) / 2;  // the older half, each time
  return (length - context + dropped - 1) / dropped * dropped;
}

GptState::GptState(int64_t batch, int64_t context, std::optional<KvCache> cache)
    : context_(context),
      tokens_(static_cast<size_t>(batch)),
      prompts_(static_cast<size_t>(batch), 0),
      starts_(static_cast<size_t>(batch), 0),
      cache_(std::move(cache)) {}

torch::Tensor GptState::lengths() const {
  std::vector<int64_t> lengths;
  for (const auto& row : tokens_) lengths.push_back(std::ssize(row));
  return to_tensor(lengths);
}

void GptState::reorder(const torch::Tensor& rows) {
  std::vector<std::vector<int64_t>> tokens;
  std::vector<int64_t> prompts, starts;
  for (const int64_t row : to_vector(rows)) {
    tokens.push_back(tokens_.at(static_cast<size_t>(row)));
    prompts.push_back(prompts_.at(static_cast<size_t>(row)));
    starts.push_back(starts_.at(static_cast<size_t>(row)));
  }
  if (cache_) cache_->reorder(rows);
  tokens_ = std::move(tokens);
  prompts_ = std::move(prompts);
  starts_ = std::move(starts);
}

void GptState::append(std::unique_ptr<DecodeState> rows) {
  auto* const other = dynamic_cast<GptState*>(rows.get());
  TORCH_CHECK(other != nullptr && other->context_ == context_ &&
                  other->cache_.has_value() == cache_.has_value(),
              "GptDecoder: the rows to append must come from the same decoder");
  if (cache_) cache_->append_rows(*other->cache_);
  std::ranges::move(other->tokens_, std::back_inserter(tokens_));
  std::ranges::copy(other->prompts_, std::back_inserter(prompts_));
  std::ranges::copy(other->starts_, std::back_inserter(starts_));
}

void GptState::truncate(const torch::Tensor& lengths) {
  const auto wanted = to_vector(lengths);
  TORCH_CHECK(wanted.size() == tokens_.size(), "GptDecoder: truncate needs a length for each of ",
              tokens_.size(), " rows, got ", wanted.size());
  for (size_t b = 0; b < tokens_.size(); ++b) {
    TORCH_CHECK(wanted[b] >= 0 && wanted[b] <= std::ssize(tokens_[b]),
                "GptDecoder: truncate must not lengthen a row of ", tokens_[b].size(),
                " tokens, got ", wanted[b]);
  }
  auto cached = cached_lengths();
  const auto shortest = cache_ ? to_vector(cache_->shortest()) : cached;
  for (size_t b = 0; b < tokens_.size(); ++b) {
    tokens_[b].resize(static_cast<size_t>(wanted[b]));
    cached[b] = std::clamp<int64_t>(wanted[b] - starts_[b], 0, cached[b]);
    if (cached[b] < shortest[b]) cached[b] = 0;  // farther back than the cache can go: read again
  }
  if (cache_) cache_->truncate(to_tensor(cached));
}

bool GptState::moves_within(size_t b, int64_t count) const {
  const int64_t length = std::ssize(tokens_[b]);
  return count > 1 && window_start(length + 1, context_) != window_start(length + count, context_);
}

void GptState::add_tokens(size_t b, std::span<const int64_t> tokens) {
  if (tokens_[b].empty()) prompts_[b] = std::ssize(tokens);
  tokens_[b].insert(tokens_[b].end(), tokens.begin(), tokens.end());
}

torch::Tensor GptState::prompt_lengths() const {
  std::vector<int64_t> lengths;
  for (size_t b = 0; b < tokens_.size(); ++b)
    lengths.push_back(std::max<int64_t>(0, prompts_[b] - starts_[b]));
  return to_tensor(lengths);
}

std::vector<std::span<const int64_t>> GptState::unread() {
  auto cached = cached_lengths();
  bool moved = false;
  for (size_t b = 0; b < tokens_.size(); ++b) {
    const int64_t start = window_start(std::ssize(tokens_[b]), context_);
    if (start == starts_[b]) continue;
    starts_[b] = start;
    cached[b] = 0;  // cached at other positions
    moved = true;
  }
  if (moved && cache_) cache_->truncate(to_tensor(cached));
  std::vector<std::span<const int64_t>> rows;
  for (size_t b = 0; b < tokens_.size(); ++b) {
    rows.push_back(std::span(tokens_[b]).subspan(static_cast<size_t>(starts_[b] + cached[b])));
  }
  return rows;
}

std::vector<int64_t> GptState::cached_lengths() const {
  return cache_ ? to_vector(cache_->lengths()) : std::vector<int64_t>(tokens_.size(), 0);
}

}  // namespace zoo
