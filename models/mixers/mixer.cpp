// What all mixers share: checks, padding, and the counting of tokens.
#include "models/mixers/mixer.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "models/mixers/heads.h"
#include "models/mixers/lsh_attention.h"

namespace zoo {

void MixerState::reorder(const torch::Tensor& rows) {
  const auto pick = [&](torch::Tensor& t) { t = t.index_select(0, rows.to(t.device())); };
  pick(lengths);
  for (auto& [name, tensor] : tensors) pick(tensor);
}

namespace {

/// With `width` numbers along dimension `dim`: those that are new stand for no token. Whole numbers
/// are a Reformer's codes.
torch::Tensor widened(const torch::Tensor& t, int64_t dim, int64_t width) {
  if (t.size(dim) == width) return t;
  auto shape = t.sizes().vec();
  shape[static_cast<size_t>(dim)] = width - t.size(dim);
  const int64_t nothing = t.is_floating_point() ? 0 : kNoCode;
  return torch::cat({t, torch::full(shape, nothing, t.options())}, dim);
}

}  // namespace

void MixerState::append(const MixerState& other) {
  lengths = torch::cat({lengths, other.lengths.to(lengths.device())});
  for (auto& [name, tensor] : tensors) {
    torch::Tensor added = other.tensors.at(name);
    for (int64_t dim = 1; dim < tensor.dim(); ++dim) {
      const int64_t width = std::max(tensor.size(dim), added.size(dim));
      tensor = widened(tensor, dim, width);
      added = widened(added, dim, width);
    }
    tensor = torch::cat({tensor, added});
  }
}

bool keeps_first_value(std::string_view parameter) {
  return parameter.find(".mixer.") != std::string_view::npos &&
         !parameter.ends_with(".in_proj.weight") && !parameter.ends_with(".out_proj.weight") &&
         !parameter.ends_with("_proj.bias");
}

int64_t MixerState::bytes() const {
  int64_t sum = 0;
  for (const auto& [name, tensor] : tensors) sum += static_cast<int64_t>(tensor.nbytes());
  return sum;
}

torch::Tensor TokenMixer::forward(const torch::Tensor& x, const MixerContext& context) {
  check_input(x, context.lengths);
  TORCH_CHECK(supports(context.causal), "mixer '", name_of(kind()), "': cannot look ",
              context.causal ? "back only (causal)" : "both ways (not causal)",
              "; softmax attention can");
  return mix(detail::without_padding(x, context.lengths), context);  // [B, T, C]
}

MixerState TokenMixer::make_state(int64_t batch, const torch::TensorOptions& options) const {
  TORCH_CHECK(supports(true), "mixer '", name_of(kind()),
              "': cannot look back only (causal), so it has no state to step; softmax attention "
              "has");
  return {torch::zeros({batch}, options.dtype(torch::kLong)), first_state(batch, options)};
}

torch::Tensor TokenMixer::step(const torch::Tensor& x, MixerState& state,
                               const torch::Tensor& counts) {
  check_input(x, counts);
  TORCH_CHECK(state.lengths.defined() && state.lengths.size(0) == x.size(0), "mixer '",
              name_of(kind()), "': the state must have the rows of x, got ",
              state.lengths.defined() ? state.lengths.size(0) : 0, " and ", x.size(0),
              "; make_state() makes one");
  const auto y = advance(detail::without_padding(x, counts), state, counts);  // [B, T, C]
  state.lengths = counts.defined() ? state.lengths + counts.to(state.lengths.device())
                                   : state.lengths + x.size(1);
  return y;
}

void TokenMixer::check_input(const torch::Tensor& x, const torch::Tensor& lengths) const {
  TORCH_CHECK(x.dim() == 3 && x.size(2) == d_model_, "mixer '", name_of(kind()),
              "': x must be [batch, length, ", d_model_, "], got ", x.sizes());
  TORCH_CHECK(!lengths.defined() || (lengths.dim() == 1 && lengths.size(0) == x.size(0) &&
                                     lengths.scalar_type() == torch::kLong),
              "mixer '", name_of(kind()), "': lengths must be int64 [", x.size(0), "], got ",
              lengths.dtype(), " ", lengths.sizes());
}

}  // namespace zoo
