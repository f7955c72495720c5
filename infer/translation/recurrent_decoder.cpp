// Token by token; a row without a token keeps its state.
#include "infer/translation/recurrent_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

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
    const auto places = rows.to(memory.values.device());
    for (torch::Tensor* t : {&memory.values, &memory.keys, &memory.real})
      *t = t->index_select(0, places);
    for (auto* states : {&state.hidden, &state.cell}) {
      for (auto& layer : *states) layer = layer.index_select(0, places);
    }
    read = read.index_select(0, rows.cpu());
  }
  bool can_truncate() const override { return false; }
  void truncate(const torch::Tensor&) override {
    TORCH_CHECK(false, "RecurrentDecoder: a recurrent state cannot forget tokens");
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
                                                     const torch::Tensor& lengths, int64_t) {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  const auto device = model_->source_embedding->weight.device();
  auto memory = model_->encode(sources.to(device), lengths);
  auto state = model_->first_state(memory);
  return std::make_unique<RecurrentRows>(std::move(memory), std::move(state));
}

Scores RecurrentDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                              DecodeState& state, const StepWants& wants) {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  auto* const rows = dynamic_cast<RecurrentRows*>(&state);
  TORCH_CHECK(rows != nullptr,
              "RecurrentDecoder: the state must come from RecurrentDecoder::start");
  const auto device = model_->source_embedding->weight.device();
  std::vector<torch::Tensor> steps, looked;
  for (int64_t t = 0; t < tokens.size(1); ++t) {
    const RecurrentState before = rows->state;
    steps.push_back(model_->step(tokens.select(1, t).to(device), rows->memory, rows->state,
                                 &looked.emplace_back()));
    const auto moved = counts.gt(t);  // [B]
    if (!moved.all().item<bool>()) keep_idle_rows(moved.to(device), before, rows->state);
  }
  rows->read = rows->read + counts;
  auto hidden = torch::stack(steps, 1);                                              // [B, T, C]
  auto weights = wants.cross_attention ? torch::stack(looked, 1) : torch::Tensor();  // [B, T, S]
  if (!wants.every_token) {
    hidden = last_counted(hidden, counts);    // [B, 1, C]
    weights = last_counted(weights, counts);  // [B, 1, S]
  }
  return {model_->logits_of(hidden), wants.hidden ? hidden : torch::Tensor(), weights};
}

}  // namespace zoo
