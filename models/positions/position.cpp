// The default position scheme: none.
#include "models/positions/position.h"

namespace zoo {

torch::Tensor Position::embed(const torch::Tensor& x, const torch::Tensor&) const { return x; }
Rotation Position::rotation(const torch::Tensor&) const { return {}; }
void Position::shape_scores(AttendArgs&, const torch::Tensor&, const torch::Tensor&) const {}

}  // namespace zoo
