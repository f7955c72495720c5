// What a position scheme does where it does nothing.
#include "models/positions/position.h"

namespace zoo {

torch::Tensor Position::embed(const torch::Tensor& x, const torch::Tensor&) { return x; }
void Position::rotate(torch::Tensor&, torch::Tensor&, const torch::Tensor&) {}
void Position::shape_scores(AttendArgs&, int64_t, int64_t) {}

}  // namespace zoo
