// A model whose scores depend on the last token alone: what a strategy must find is known by hand.
#pragma once
#include <torch/types.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "infer/decode/step.h"

namespace zoo::testing {

/// logits: row `token` of a table [V, V]; hidden states, where wanted, the same of a table [V, C].
/// Its state cannot truncate, as a recurrent one.
class TableModel final : public NextToken {
 public:
  explicit TableModel(torch::Tensor table, torch::Tensor hidden = {})
      : table_(std::move(table)), hidden_(std::move(hidden)) {}
  struct State final : DecodeState {
    explicit State(int64_t batch) : lengths_(torch::zeros({batch}, torch::kLong)) {}
    torch::Tensor lengths() const override { return lengths_; }
    void reorder(const torch::Tensor& rows) override { lengths_ = lengths_.index_select(0, rows); }
    void append(std::unique_ptr<DecodeState> rows) override {
      lengths_ = torch::cat({lengths_, rows->lengths()});
    }
    bool can_truncate() const override { return false; }
    void truncate(const torch::Tensor&) override { throw std::logic_error("cannot truncate"); }
    torch::Tensor lengths_;
  };
  Scores step(const torch::Tensor& tokens, const torch::Tensor& counts, DecodeState& state,
              const StepWants& wants) const override {
    dynamic_cast<State&>(state).lengths_ += counts;
    const auto asked =  // [B, T] or [B, 1]
        wants.every_token ? tokens : tokens.gather(1, (counts - 1).unsqueeze(1));
    const bool gives_hidden = wants.hidden && hidden_.defined();
    return {.logits = table_.index({asked}),
            .hidden = gives_hidden ? hidden_.index({asked}) : torch::Tensor()};
  }
  int64_t vocab_size() const override { return table_.size(1); }
  int64_t longest_prompt() const override { return 0; }

 private:
  torch::Tensor table_;   // [V, V]
  torch::Tensor hidden_;  // [V, C] or undefined
};

}  // namespace zoo::testing
