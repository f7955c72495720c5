// The state of a GptDecoder for each row: its tokens, the start of its window, and the key-value
// cache.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "infer/decode/step.h"
#include "models/attention/kv_cache.h"

namespace zoo {

/// Where the window of a row with `length` tokens starts: see gpt_decoder.h.
int64_t window_start(int64_t length, int64_t context);

class GptState final : public DecodeState {
 public:
  /// Without a cache every step reads the whole window again.
  GptState(int64_t batch, int64_t context, std::optional<KvCache> cache);

  torch::Tensor lengths() const override;
  void reorder(const torch::Tensor& rows) override;
  void append(std::unique_ptr<DecodeState> rows) override;
  bool can_truncate() const override { return !cache_ || cache_->can_truncate(); }
  void truncate(const torch::Tensor& lengths) override;

  int64_t batch() const { return std::ssize(tokens_); }
  /// Whether row b's window would move between the first and the last of `count` new tokens.
  bool moves_within(size_t b, int64_t count) const;
  void add_tokens(size_t b, std::span<const int64_t> tokens);
  /// The tokens that the model must read now: the part of each row's window that is not cached.
  /// Moves windows that must move.
  std::vector<std::span<const int64_t>> unread();
  /// [B] int64: tokens that each row's first read brought, its prompt, as far as the window holds
  /// them.
  torch::Tensor prompt_lengths() const;
  /// Null if there is none.
  KvCache* cache() { return cache_ ? &*cache_ : nullptr; }

 private:
  std::vector<int64_t> cached_lengths() const;

  int64_t context_;
  std::vector<std::vector<int64_t>>
      tokens_;                    // all tokens of each row: any window can be read again
  std::vector<int64_t> prompts_;  // how many of them the first read brought
  std::vector<int64_t> starts_;   // index of the token at position 0 of the row's cache
  std::optional<KvCache> cache_;
};

}  // namespace zoo
