// Another way: scale first, from random queries; losses instead of gradients; curves of a bowl.
#include "notebooks-cpp/exercises/33_find_the_bug/find_the_bug.h"

using torch::Tensor;
static double number(const Tensor& x) { return x.item<double>(); }
static bool near(double a, double b) { return std::abs(a - b) < 1e-4; }

Finding attention_fault(const Attention& attend) {
  const auto real = torch::TensorOptions(torch::kDouble);
  const Tensor same = torch::zeros({200, 3}, real), eye = torch::eye(200, real);
  const Tensor map = attend(same, same, eye), again = attend(same, same, eye);
  if (!map.equal(again)) {  // a weight of 1 / 200 comes back as 1 / 200 / (1 - p)
    const Tensor row = map[199];
    return {"dropout-on", 1 - 0.005 / number(row.masked_select(row > 0).mean())};
  }
  const Tensor sums = map.sum(-1);
  if (!near(number(sums[0]), 1))
    return {"mask-after-softmax", number(attend(same.slice(0, 0, 5), same.slice(0, 0, 5),
                                                torch::ones({5, 1}, real))[0][0])};
  const double seen = 1 / number(map[0][0]);
  if (!near(seen, 1)) return {"mask-too-far", std::round(seen - 1)};
  const Tensor q = torch::randn({4, 9}, real), k = torch::randn({4, 9}, real);
  const Tensor logs = attend(q, k, torch::eye(4, real))[3].log(), dots = k.mv(q[3]) / 3;
  const double factor = number((logs[0] - logs[2]) / (dots[0] - dots[2]));
  return near(factor, 1) ? Finding{"healthy", 0} : Finding{"wrong-scale", factor};
}

Finding loss_fault(const Loss& loss) {
  const int64_t V = 8;
  const auto targets = torch::arange(V);
  // Logits that are sure of the target of row t + n.
  const auto sure = [&](int64_t n) {
    Tensor logits = torch::zeros({V, V}, torch::kDouble);
    for (int64_t t = std::max<int64_t>(0, -n); t < std::min(V, V - n); ++t) logits[t][t + n] = 30;
    return logits;
  };
  double best = 1e9;
  int64_t shift = 0;
  for (int64_t n = -3; n <= 3; ++n) {
    const double found = number(loss(sure(n), targets));
    if (found < best - 1e-6) best = found, shift = n;
  }
  if (shift != 0) return {"targets-shifted", static_cast<double>(shift)};
  const auto flat = torch::zeros({V, V}, torch::kDouble), none = torch::full({V}, -100);
  const double one = number(loss(flat, targets)), unit = std::log(static_cast<double>(V));
  if (!near(one, unit))
    return {"sum-for-mean",
            number(loss(torch::cat({flat, flat}), torch::cat({targets, targets}))) / one};
  const double padded = number(loss(torch::cat({flat, flat}), torch::cat({none, targets})));
  if (!near(padded, unit)) return {"pads-counted", padded / one};
  // A sure answer costs 30 for the share that lies on the other classes.
  const double share = best / 30 * V / (V - 1);
  return near(share, 0) ? Finding{"healthy", 0} : Finding{"smoothing-on", share};
}

Finding training_fault(const Training& train) {
  const auto bowl = [](const Tensor& w) { return w; };
  const auto hill = [](const Tensor& w) { return torch::ones_like(w) * 1e4; };
  const auto options = torch::TensorOptions(torch::kDouble);
  const Tensor start = torch::arange(1, 11, options) * 1e-3;
  const Tensor once = train(start, bowl, 0.1, 1)[1] / start;  // healthy: 0.9
  for (int64_t n = 0; n < 10; ++n)
    if (number(once[n]) == 1) return {"weight-frozen", static_cast<double>(n)};
  const double factor = (1 - number(once[0])) / 0.1;
  if (!near(factor, 1)) return {"weights-decay", factor - 1};
  const Tensor path = train(start, hill, 1, 3);
  const double norm = number((path[0] - path[1]).norm());
  if (norm < 9e3) return {"gradients-clipped", norm};
  const double ratio = number((path[2] - path[3])[0] / (path[0] - path[1])[0]);
  return near(ratio, 1) ? Finding{"healthy", 0} : Finding{"gradients-not-zeroed", ratio};
}
