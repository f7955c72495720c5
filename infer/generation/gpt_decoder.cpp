// Next-token scores of a GPT for many rows: caches, moving windows, ragged prompts.
#include "infer/generation/gpt_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "infer/decode/rows.h"
#include "models/batching/padding.h"

namespace zoo {
namespace {

std::vector<int64_t> to_vector(const torch::Tensor& t) {
  const auto values = t.to(torch::kCPU, torch::kLong).contiguous();
  return {values.data_ptr<int64_t>(), values.data_ptr<int64_t>() + values.numel()};
}

class GptState final : public DecodeState {
 public:
  GptState(int64_t batch, int64_t context, std::vector<KvCache> caches)
      : context_(context),
        read_(static_cast<size_t>(batch)),
        starts_(static_cast<size_t>(batch), 0),
        caches_(std::move(caches)) {}

  torch::Tensor lengths() const override {
    std::vector<int64_t> lengths;
    for (const auto& row : read_) lengths.push_back(std::ssize(row));
    return torch::tensor(lengths, torch::kLong);
  }

  void reorder(const torch::Tensor& rows) override {
    std::vector<std::vector<int64_t>> read;
    std::vector<int64_t> starts;
    for (const int64_t row : to_vector(rows)) {
      read.push_back(read_.at(static_cast<size_t>(row)));
      starts.push_back(starts_.at(static_cast<size_t>(row)));
    }
    read_ = std::move(read);
    starts_ = std::move(starts);
    for (KvCache& cache : caches_) cache.reorder(rows);
  }

  bool can_truncate() const override { return true; }

  void truncate(const torch::Tensor& lengths) override {
    const auto wanted = to_vector(lengths);
    TORCH_CHECK(wanted.size() == read_.size(), "GptDecoder: truncate needs a length for each of ",
                read_.size(), " rows, got ", wanted.size());
    auto cached = cached_lengths();
    for (size_t b = 0; b < read_.size(); ++b) {
      TORCH_CHECK(wanted[b] >= 0 && wanted[b] <= std::ssize(read_[b]),
                  "GptDecoder: truncate must not lengthen a row of ", read_[b].size(),
                  " tokens, got ", wanted[b]);
      read_[b].resize(static_cast<size_t>(wanted[b]));
      cached[b] = std::clamp<int64_t>(wanted[b] - starts_[b], 0, cached[b]);
    }
    truncate_caches(cached);
  }

  int64_t batch() const { return std::ssize(read_); }

  /// Whether the window would move between the first and the last of `count` new tokens.
  bool moves_within(size_t b, int64_t count) const {
    const int64_t length = std::ssize(read_[b]);
    return count > 1 &&
           window_start(length + 1, context_) != window_start(length + count, context_);
  }

  void append(size_t b, std::span<const int64_t> tokens) {
    read_[b].insert(read_[b].end(), tokens.begin(), tokens.end());
  }

  /// What the model must read now: of each row the part of its window that is not cached.
  std::vector<std::span<const int64_t>> unread() {
    auto cached = cached_lengths();
    bool moved = false;
    for (size_t b = 0; b < read_.size(); ++b) {
      const int64_t start = window_start(std::ssize(read_[b]), context_);
      if (start == starts_[b]) continue;
      starts_[b] = start;
      cached[b] = 0;  // cached at other positions
      moved = true;
    }
    if (moved) truncate_caches(cached);
    std::vector<std::span<const int64_t>> rows;
    for (size_t b = 0; b < read_.size(); ++b) {
      rows.push_back(std::span(read_[b]).subspan(static_cast<size_t>(starts_[b] + cached[b])));
    }
    return rows;
  }

  std::vector<KvCache>* caches() { return caches_.empty() ? nullptr : &caches_; }

 private:
  std::vector<int64_t> cached_lengths() const {
    return caches_.empty() ? std::vector<int64_t>(read_.size(), 0)
                           : to_vector(caches_.front().lengths());
  }
  void truncate_caches(const std::vector<int64_t>& lengths) {
    for (KvCache& cache : caches_) cache.truncate(torch::tensor(lengths, torch::kLong));
  }

  int64_t context_;
  std::vector<std::vector<int64_t>> read_;  // all tokens of each row: any window can be read again
  std::vector<int64_t> starts_;             // which of them lies at place 0 of the row's cache
  std::vector<KvCache> caches_;             // one a layer, or none
};

GptState& gpt_state(DecodeState& state) {
  auto* gpt = dynamic_cast<GptState*>(&state);
  TORCH_CHECK(gpt != nullptr, "GptDecoder: the state must come from GptDecoder::start");
  return *gpt;
}

/// hidden [B, T', C], of which row b holds unread[b] places and the last counts[b] are new ->
/// [B, T, C]: the new ones from their first on, or [B, 1, C]: the last one.
torch::Tensor pick(const torch::Tensor& hidden, const std::vector<int64_t>& unread,
                   const std::vector<int64_t>& counts, int64_t T, bool every_token) {
  const auto ends = torch::tensor(unread, torch::kLong).unsqueeze(1);  // [B, 1]
  auto places = ends - 1;
  if (every_token) {
    places = ends - torch::tensor(counts, torch::kLong).unsqueeze(1) +
             torch::arange(T, torch::kLong);  // [B, T]
  }
  places = places.clamp(0, hidden.size(1) - 1).unsqueeze(-1).to(hidden.device());
  return hidden.gather(1, places.expand({-1, -1, hidden.size(2)}));
}

Scores joined(const std::vector<Scores>& parts) {
  std::vector<torch::Tensor> logits, hidden;
  for (const Scores& part : parts) {
    logits.push_back(part.logits);
    if (part.hidden.defined()) hidden.push_back(part.hidden);
  }
  return {torch::cat(logits, 1), hidden.empty() ? torch::Tensor() : torch::cat(hidden, 1)};
}

}  // namespace

int64_t window_start(int64_t length, int64_t context) {
  if (length <= context) return 0;
  const int64_t dropped = (context + 1) / 2;  // the older half, each time
  return (length - context + dropped - 1) / dropped * dropped;
}

GptDecoder::GptDecoder(Gpt model, bool use_cache)
    : model_(std::move(model)), use_cache_(use_cache) {
  TORCH_CHECK(!model_->is_training(),
              "GptDecoder: the model is in training mode, where dropout acts; call eval() first");
}

double GptDecoder::row_bytes(int64_t longest) const {
  const GptOptions o = resolved(model_->options);
  const double keys_and_values = 2.0 * static_cast<double>(o.layers * o.kv_heads * o.head_width);
  return NextToken::row_bytes(longest) +
         static_cast<double>(sizeof(float)) * keys_and_values * static_cast<double>(longest);
}

std::unique_ptr<DecodeState> GptDecoder::start(int64_t batch, int64_t longest) const {
  const int64_t context = model_->options.context;
  const int64_t capacity = longest > 0 ? std::min(longest, context) : context;
  return std::make_unique<GptState>(
      batch, context, use_cache_ ? model_->make_caches(batch, capacity) : std::vector<KvCache>());
}

Scores GptDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                        DecodeState& state, const StepWants& wants) {
  const c10::InferenceMode
      no_bookkeeping_for_gradients;  // most of a small model's step is such work
  GptState& rows = gpt_state(state);
  const int64_t B = rows.batch(), T = tokens.dim() == 2 ? tokens.size(1) : 0;
  TORCH_CHECK(tokens.dim() == 2 && tokens.size(0) == B && T > 0, "GptDecoder: tokens must be [", B,
              ", T > 0] as the state has ", B, " rows, got ", tokens.sizes());
  TORCH_CHECK(counts.dim() == 1 && counts.size(0) == B, "GptDecoder: counts must be [", B,
              "], got ", counts.sizes());
  const auto lengths = to_vector(counts);
  bool moves_within = false;
  for (size_t b = 0; b < lengths.size(); ++b) {
    TORCH_CHECK(lengths[b] >= 0 && lengths[b] <= T, "GptDecoder: counts must be 0 to ", T, ", got ",
                lengths[b]);
    moves_within = moves_within || rows.moves_within(b, lengths[b]);
  }
  if (!moves_within) return read(rows, tokens, lengths, wants);
  // Some window moves in the middle of this step: token by token, each sees the window of its own
  // time.
  std::vector<Scores> parts;
  for (int64_t t = 0; t < T; ++t) {
    parts.push_back(read(rows, tokens.narrow(1, t, 1), to_vector(counts.gt(t)), wants));
  }
  Scores all = joined(parts);
  if (wants.every_token) return all;
  return {last_counted(all.logits, counts), last_counted(all.hidden, counts)};
}

Scores GptDecoder::read(DecodeState& state, const torch::Tensor& tokens,
                        const std::vector<int64_t>& counts, const StepWants& wants) {
  GptState& rows = gpt_state(state);
  const auto ids = tokens.to(torch::kLong).contiguous();
  const int64_t T = ids.size(1);
  for (size_t b = 0; b < counts.size(); ++b) {
    rows.append(
        b, {ids.data_ptr<int64_t>() + static_cast<int64_t>(b) * T, static_cast<size_t>(counts[b])});
  }
  const auto unread = rows.unread();
  std::vector<int64_t> lengths;
  for (const auto& row : unread) lengths.push_back(std::ssize(row));
  const int64_t longest = std::max<int64_t>(1, *std::ranges::max_element(lengths));
  const bool ragged = std::ranges::any_of(lengths, [&](int64_t n) { return n != longest; });

  const GptContext context{
      .caches = rows.caches(),
      .counts = ragged && use_cache_ ? torch::tensor(lengths, torch::kLong) : torch::Tensor()};
  const auto device = model_->token_embedding->weight.device();
  auto hidden =
      model_->hidden(pad_rows(unread, {.width = longest}).to(device), context);  // [B, T', C]
  if (ragged || longest > 1) hidden = pick(hidden, lengths, counts, T, wants.every_token);
  return {model_->logits_of(hidden), wants.hidden ? hidden : torch::Tensor()};
}

}  // namespace zoo
