#include "models/layers/places.h"

namespace zoo {

torch::Tensor places_of(const torch::Tensor& chosen) {
  return chosen.flatten().nonzero().squeeze(1);
}

torch::Tensor at_places(const torch::Tensor& t, const torch::Tensor& places) {
  return t.flatten(0, 1).index_select(0, places);
}

}  // namespace zoo
