#include "models/layers/token_selection.h"

namespace zoo {

torch::Tensor indices_of(const torch::Tensor& chosen) {
  return chosen.flatten().nonzero().squeeze(1);
}

torch::Tensor select_tokens(const torch::Tensor& t, const torch::Tensor& indices) {
  return t.flatten(0, 1).index_select(0, indices);
}

}  // namespace zoo
