// Another way: functions made of functions; one that does nothing stands where no norm belongs.
#include "notebooks-cpp/exercises/10_block/block.h"

static SubLayer after(SubLayer second, SubLayer first) {
  return [=](const torch::Tensor& x) { return second(first(x)); };
}
static SubLayer around(SubLayer inner) {
  return [=](const torch::Tensor& x) { return torch::stack({x, inner(x)}).sum(0); };
}
static torch::Tensor same(const torch::Tensor& x) { return x; }

torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       NormPlace norm_place) {
  const bool pre = norm_place == NormPlace::kPre;
  const SubLayer before = pre ? norm : SubLayer(same), behind = pre ? SubLayer(same) : norm;
  return after(behind, around(after(sub_layer, before)))(x);
}

torch::Tensor block(const torch::Tensor& x, const SubLayer& attention_norm,
                    const SubLayer& attention, const SubLayer& feed_forward_norm,
                    const SubLayer& feed_forward, NormPlace norm_place) {
  return residual(residual(x, attention_norm, attention, norm_place), feed_forward_norm,
                  feed_forward, norm_place);
}

torch::Tensor stack(const torch::Tensor& x, const std::vector<SubLayer>& blocks,
                    const SubLayer& final_norm, NormPlace norm_place) {
  SubLayer all = same;
  for (const auto& block : blocks) all = after(block, all);
  return norm_place == NormPlace::kPre ? final_norm(all(x)) : all(x);
}
