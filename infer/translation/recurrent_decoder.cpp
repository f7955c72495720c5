// Token by token; a row without a token keeps its state.
#include "infer/translation/recurrent_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "infer/decode/rows.h"

namespace zoo {
namespace {

class RecurrentRows final : public DecodeState {
 public:
  RecurrentRows(EncodedSource memory_, RecurrentState state_)
      : memory(std::move(memory_)),
        state(std::move(state_)),
        read(torch::zeros({memory.values.size(0)}, torch::kLong)) {}

  torch::Tensor lengths() const override { return read; }
  void reorder(const torch::Tensor& rows) override {
    const auto on_device = rows.to(memory.values.device());
    for (torch::Tensor* t : {&memory.values, &memory.keys, &memory.real})
      *t = t->index_select(0, on_device);
    for (auto* states : {&state.hidden, &state.cell}) {
      for (auto& layer : *states) layer = layer.index_select(0, on_device);
    }
    read = read.index_select(0, rows.cpu());
  }
  void append(std::unique_ptr<DecodeState> rows) override {
    auto* const other = dynamic_cast<RecurrentRows*>(rows.get());
    TORCH_CHECK(other != nullptr && other->state.hidden.size() == state.hidden.size(),
                "RecurrentDecoder: the rows to append must come from the same decoder");
    const int64_t S = std::max(memory.real.size(1), other->memory.real.size(1));
    memory.values = join_rows(memory.values, other->memory.values, 1, S);  // [B, S, C]
    memory.keys = join_rows(memory.keys, other->memory.keys, 1, S);        // [B, S, C]
    memory.real = join_rows(memory.real, other->memory.real, 1, S);        // [B, S]
    for (size_t n = 0; n < state.hidden.size(); ++n) {
      state.hidden[n] = torch::cat({state.hidden[n], other->state.hidden[n]});  // [B, C]
      state.cell[n] = torch::cat({state.cell[n], other->state.cell[n]});
    }
    read = torch::cat({read, other->read});
  }
  bool can_truncate() const override { return false; }
  void truncate(const torch::Tensor&) override {
    TORCH_CHECK(false, "RecurrentDecoder: tokens cannot be taken back from a recurrent state");
  }

  EncodedSource memory;
  RecurrentState state;
  torch::Tensor read;  // [B]
};

/// Rows where `moved` [B] is true take the new state, the others keep the old one.
void keep_idle_rows(const torch::Tensor& moved, const RecurrentState& before,
                    RecurrentState& after) {
  const auto choose = moved.unsqueeze(1);  // [B, 1]
  for (size_t n = 0; n < after.hidden.size(); ++n) {
    after.hidden[n] = torch::where(choose, after.hidden[n], before.hidden[n]);
    after.cell[n] = torch::where(choose, after.cell[n], before.cell[n]);
  }
}

}  // namespace

RecurrentDecoder::RecurrentDecoder(Recurrent model) : model_(std::move(model)) {
  TORCH_CHECK(!model_->is_training(),
              "RecurrentDecoder: the model is in training mode, where dropout acts; call eval() "
              "first");
}

std::unique_ptr<DecodeState> RecurrentDecoder::start(const torch::Tensor& sources,
                                                     const torch::Tensor& lengths, int64_t) const {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  const auto device = model_->source_embedding->weight.device();
  auto memory = model_.ptr()->encode(sources.to(device), lengths);
  auto state = model_.ptr()->first_state(memory);
  return std::make_unique<RecurrentRows>(std::move(memory), std::move(state));
}

Scores RecurrentDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                              DecodeState& state, const StepWants& wants) const {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  auto* const rows = dynamic_cast<RecurrentRows*>(&state);
  TORCH_CHECK(rows != nullptr,
              "RecurrentDecoder: the state must come from RecurrentDecoder::start");
  RecurrentImpl& recurrent = *model_.ptr();  // in evaluation mode: nothing in it changes
  const auto device = recurrent.source_embedding->weight.device();
  std::vector<torch::Tensor> steps, attention;
  for (int64_t t = 0; t < tokens.size(1); ++t) {
    const RecurrentState before = rows->state;
    steps.push_back(recurrent.step(tokens.select(1, t).to(device), rows->memory, rows->state,
                                   &attention.emplace_back()));
    const auto moved = counts.gt(t);  // [B]
    if (!moved.all().item<bool>()) keep_idle_rows(moved.to(device), before, rows->state);
  }
  rows->read = rows->read + counts;
  auto hidden = torch::stack(steps, 1);                                                 // [B, T, C]
  auto weights = wants.cross_attention ? torch::stack(attention, 1) : torch::Tensor();  // [B, T, S]
  if (!wants.every_token) {
    hidden = last_counted(hidden, counts);    // [B, 1, C]
    weights = last_counted(weights, counts);  // [B, 1, S]
  }
  return {recurrent.logits_of(hidden), wants.hidden ? hidden : torch::Tensor(), weights};
}

}  // namespace zoo
