#include "tests/models/attention/attention_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/attention/dropout_mask.h"

namespace zoo::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

torch::Tensor as_double(const torch::Tensor& t) {
  return t.detach().to(torch::kCPU, torch::kDouble).contiguous();
}

int64_t row_value(const torch::Tensor& rows, int64_t b, int64_t otherwise) {
  return rows.defined() ? rows[b].item<int64_t>() : otherwise;
}

bool is_visible(const AttendArgs& args, int64_t b, int64_t place, int64_t s, int64_t length) {
  if (args.causal && s > place && s >= row_value(args.prefix_lengths, b, 0)) return false;
  const bool is_global = s < args.global_tokens || (place >= 0 && place < args.global_tokens);
  if (args.window && !is_global && (s <= place - *args.window || s >= place + *args.window))
    return false;
  return s < length;
}

bool layout_shows(const AttendArgs& args, int64_t h, int64_t place, int64_t s) {
  if (!args.block_layout.defined()) return true;
  const int64_t rows = args.block_layout.size(-2), columns = args.block_layout.size(-1);
  const int64_t row = std::min(std::max<int64_t>(place, 0) / args.block_size, rows - 1);
  const int64_t head = args.block_layout.dim() == 3 ? h : 0;
  return args.block_layout.data_ptr<bool>()[(head * rows + row) * columns + s / args.block_size];
}

/// Of the table of distances: key s, a query at this place.
int64_t entry_of(int64_t place, int64_t s, int64_t S, int64_t last) {
  return std::clamp<int64_t>(s - place + S - 1, 0, last);
}

/// Float64 [B, H, T, S]: the sum of biases, with minus infinity where a query may not look.
torch::Tensor additive_of(const AttendCase& c) {
  const int64_t B = c.q.size(0), H = c.q.size(1), T = c.q.size(2), S = c.k.size(2);
  auto sum = torch::zeros({B, H, T, S}, torch::kDouble);
  if (c.args.bias.defined()) sum += as_double(c.args.bias);
  if (c.args.may_attend.defined()) sum.masked_fill_(c.args.may_attend.logical_not(), -kInfinity);
  const auto relative = c.args.relative_bias.defined() ? as_double(c.args.relative_bias)
                                                       : torch::zeros({H, T + S}, torch::kDouble);
  const int64_t last = std::max<int64_t>(relative.size(1) - 1, 0);
  const auto entry = relative.accessor<double, 2>();
  auto sums = sum.accessor<double, 4>();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t start = row_value(c.args.query_start, b, S - T);
    const int64_t length = row_value(c.args.key_lengths, b, S);
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t s = 0; s < S; ++s) {
        const bool visible = is_visible(c.args, b, start + t, s, length);
        for (int64_t h = 0; h < H; ++h)
          sums[b][h][t][s] = visible && layout_shows(c.args, h, start + t, s)
                                 ? sums[b][h][t][s] + entry[h][entry_of(start + t, s, S, last)]
                                 : -kInfinity;
      }
    }
  }
  return sum;
}

/// [H, T + S - 1]: the sum of dscores [B, H, T, S] along diagonals.
torch::Tensor diagonal_sums(const AttendCase& c, const torch::Tensor& dscores) {
  const int64_t B = c.q.size(0), H = c.q.size(1), T = c.q.size(2), S = c.k.size(2);
  auto sums = torch::zeros({H, std::max<int64_t>(0, T + S - 1)}, torch::kDouble);
  if (dscores.numel() == 0) return sums;
  auto to = sums.accessor<double, 2>();
  const auto from = dscores.accessor<double, 4>();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t start = row_value(c.args.query_start, b, S - T);
    for (int64_t h = 0; h < H; ++h)
      for (int64_t t = 0; t < T; ++t)
        for (int64_t s = 0; s < S; ++s)
          to[h][entry_of(start + t, s, S, T + S - 2)] += from[b][h][t][s];
  }
  return sums;
}

/// [B, H, T, S] zeros whose gradient reaches the table: what torch's operators sum for it.
torch::Tensor zeros_of_table(const AttendCase& c, const torch::Tensor& table) {
  const int64_t B = c.q.size(0), H = c.q.size(1), T = c.q.size(2), S = c.k.size(2);
  auto entries = torch::zeros({B, T, S}, torch::kLong);
  auto entry = entries.accessor<int64_t, 3>();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t start = row_value(c.args.query_start, b, S - T);
    for (int64_t t = 0; t < T; ++t)
      for (int64_t s = 0; s < S; ++s) entry[b][t][s] = entry_of(start + t, s, S, T + S - 2);
  }
  const auto dense =
      table.index_select(1, entries.flatten()).view({H, B, T, S}).transpose(0, 1);  // [B, H, T, S]
  return dense - dense.detach();
}

double scale_of(const AttendCase& c) {
  return c.args.scale.value_or(1.0 / std::sqrt(static_cast<double>(c.q.size(3))));
}

/// Float64 [B, H, T, S]: 0 where dropped, 1 / (1 - p) where kept.
torch::Tensor kept_of(const AttendCase& c) {
  const int64_t B = c.q.size(0), H = c.q.size(1), T = c.q.size(2), S = c.k.size(2);
  const double p = c.args.dropout;
  if (p == 0.0) return torch::ones({B, H, T, S}, torch::kDouble);
  if (p == 1.0) return torch::zeros({B, H, T, S}, torch::kDouble);
  return dropout_mask(p, *c.args.dropout_seed, B, H, T, S, torch::kCPU).to(torch::kDouble) /
         (1 - p);
}

torch::Tensor gate_of(const AttendCase& c) {
  const auto gate = c.args.head_gate.defined() ? as_double(c.args.head_gate)
                                               : torch::ones({c.q.size(1)}, torch::kDouble);
  return gate.expand({c.q.size(0), c.q.size(1)}).contiguous();  // [B, H]
}

/// One row of the score matrix, forward and backward; pointers to the row's own data.
struct Row {
  int64_t S, Dh;
  double scale, cap, gate;
  const double *q, *k, *v, *additive, *kept, *upstream;
  double *y, *dq, *dk, *dv, *weights, *dscores;
  std::vector<double> slopes{};  // of the cap

  double dot(const double* a, const double* b) const {
    double sum = 0;
    for (int64_t i = 0; i < Dh; ++i) sum += a[i] * b[i];
    return sum;
  }
  double capped(double score) {
    if (cap == 0) return slopes.push_back(1), score;
    slopes.push_back(1 - std::pow(std::tanh(score / cap), 2));
    return cap * std::tanh(score / cap);
  }
  void softmax() {
    double top = -kInfinity, sum = 0;
    for (int64_t s = 0; s < S; ++s) {
      weights[s] = capped(scale * dot(q, k + s * Dh)) + additive[s];
      top = std::max(top, weights[s]);
    }
    for (int64_t s = 0; s < S; ++s) {
      weights[s] = top == -kInfinity ? 0 : std::exp(weights[s] - top);
      sum += weights[s];
    }
    for (int64_t s = 0; s < S && sum > 0; ++s) weights[s] /= sum;
  }
  void run() {
    softmax();
    std::vector<double> dweights(static_cast<size_t>(S));
    double mean = 0;
    for (int64_t s = 0; s < S; ++s) {
      const double used = weights[s] * kept[s];
      for (int64_t i = 0; i < Dh; ++i) {
        y[i] += gate * used * v[s * Dh + i];
        dv[s * Dh + i] += gate * used * upstream[i];
      }
      dweights[static_cast<size_t>(s)] = gate * kept[s] * dot(upstream, v + s * Dh);
      mean += weights[s] * dweights[static_cast<size_t>(s)];
    }
    for (int64_t s = 0; s < S; ++s) {
      dscores[s] = weights[s] * (dweights[static_cast<size_t>(s)] - mean);
      const double dproduct = scale * slopes[static_cast<size_t>(s)] * dscores[s];
      for (int64_t i = 0; i < Dh; ++i) {
        dq[i] += dproduct * k[s * Dh + i];
        dk[s * Dh + i] += dproduct * q[i];
      }
    }
  }
};

double largest(const torch::Tensor& t) {
  return t.numel() == 0 ? 0.0 : t.abs().max().item<double>();
}

/// The largest difference; infinite where anything is not a number.
double error_of(const torch::Tensor& got, const torch::Tensor& wanted) {
  EXPECT_EQ(got.sizes(), wanted.sizes());
  const double error = largest(as_double(got) - wanted);
  return std::isnan(error) ? kInfinity : error;
}

torch::Tensor leaf_of(const torch::Tensor& t) { return t.detach().requires_grad_(true); }
torch::Tensor gradient_of(const torch::Tensor& leaf) {
  return leaf.grad().defined() ? leaf.grad() : torch::zeros_like(leaf);
}

}  // namespace

AttendCase random_case(int64_t B, int64_t H, int64_t Hkv, int64_t T, int64_t S, int64_t Dh,
                       AttendArgs args) {
  AttendCase c;
  c.q = torch::randn({B, H, T, Dh});
  c.k = torch::randn({B, Hkv, S, Dh});
  c.v = torch::randn({B, Hkv, S, Dh});
  c.upstream = torch::randn({B, H, T, Dh});
  c.args = std::move(args);
  return c;
}

AttendCase moved(AttendCase c, torch::Device device, torch::Dtype dtype) {
  for (torch::Tensor* t : {&c.q, &c.k, &c.v, &c.upstream}) *t = t->to(device, dtype);
  return c;
}

AttendResult reference(const AttendCase& c) {
  const int64_t B = c.q.size(0), H = c.q.size(1), T = c.q.size(2), Dh = c.q.size(3);
  const int64_t Hkv = c.k.size(1), S = c.k.size(2);
  const auto q = as_double(c.q), k = as_double(c.k), v = as_double(c.v),
             upstream = as_double(c.upstream), additive = additive_of(c), kept = kept_of(c),
             gate = gate_of(c);
  AttendResult r{torch::zeros_like(q),
                 torch::zeros_like(q),
                 torch::zeros_like(k),
                 torch::zeros_like(v),
                 torch::zeros_like(additive),
                 torch::zeros_like(additive),
                 {}};
  const auto at = [](const torch::Tensor& t, int64_t offset) {
    return t.data_ptr<double>() + offset;
  };
  for (int64_t row = 0; row < B * H * T; ++row) {
    const int64_t b = row / (H * T), h = row / T % H;
    const int64_t kv = (b * Hkv + h * Hkv / H) * S * Dh, x = row * Dh, w = row * S;
    Row{S,
        Dh,
        scale_of(c),
        c.args.score_cap,
        *at(gate, b * H + h),
        at(q, x),
        at(k, kv),
        at(v, kv),
        at(additive, w),
        at(kept, w),
        at(upstream, x),
        at(r.y, x),
        at(r.dq, x),
        at(r.dk, kv),
        at(r.dv, kv),
        at(r.weights, w),
        at(r.dscores, w)}
        .run();
  }
  if (c.args.relative_bias.defined()) r.drelative = diagonal_sums(c, r.dscores);
  return r;
}

static AttendResult run(const AttentionKernel& kernel, const AttendCase& c, bool with_gradients) {
  const auto q = leaf_of(c.q), k = leaf_of(c.k), v = leaf_of(c.v);
  const torch::AutoGradMode mode(with_gradients);
  AttendArgs args = c.args;
  torch::Tensor table;
  if (with_gradients && args.relative_bias.defined()) {
    args.relative_bias = leaf_of(args.relative_bias);
    if (kernel.refuses(q, k, v, args).empty())
      table = args.relative_bias;
    else
      args.relative_bias = c.args.relative_bias;
  }
  const auto y = attend(kernel, q, k, v, args);
  if (y.requires_grad()) y.backward(c.upstream);
  return {y.detach(),
          gradient_of(q),
          gradient_of(k),
          gradient_of(v),
          {},
          {},
          table.defined() ? gradient_of(table) : table};
}

AttendResult run_kernel(const std::string& kernel, const AttendCase& c) {
  return run(attention_kernel(kernel), c, trains(kernel, c));
}

AttendResult run_torch_alone(const AttendCase& c) {
  const auto q = leaf_of(c.q.cpu()), k = leaf_of(c.k.cpu()), v = leaf_of(c.v.cpu());
  const auto exact = additive_of(c);
  const auto empty = exact.eq(-kInfinity).all(-1, true);  // [B, H, T, 1]
  auto additive = exact.clamp_min(-1e30).to(q.scalar_type());
  torch::Tensor table;
  if (c.args.relative_bias.defined() && c.k.size(2) > 0) {
    table = leaf_of(c.args.relative_bias.cpu().to(q.scalar_type()));
    additive = additive + zeros_of_table(c, table);
  }
  const int64_t group = c.q.size(1) / c.k.size(1);
  const auto keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
  torch::Tensor y;
  if (c.args.dropout == 0.0 && c.args.score_cap == 0.0) {
    y = at::scaled_dot_product_attention(q, keys, values, additive, 0.0, false, scale_of(c));
  } else {
    auto scores = torch::matmul(q * scale_of(c), keys.transpose(-2, -1));
    if (const double cap = c.args.score_cap; cap > 0.0) scores = torch::tanh(scores / cap) * cap;
    y = torch::matmul((scores + additive).softmax(-1) * kept_of(c).to(q.scalar_type()), values);
  }
  y = y.masked_fill(empty, 0.0) * gate_of(c).to(q.scalar_type()).unsqueeze(-1).unsqueeze(-1);
  y.backward(c.upstream.cpu());
  return {y.detach(),
          gradient_of(q),
          gradient_of(k),
          gradient_of(v),
          {},
          {},
          table.defined() ? gradient_of(table) : table};
}

namespace {

std::string refusal(const std::string& kernel, const AttendCase& c, bool with_gradients) {
  const torch::AutoGradMode mode(with_gradients);
  const auto q = leaf_of(c.q), k = leaf_of(c.k), v = leaf_of(c.v);
  const std::string why = attention_kernel(kernel).refuses(q, k, v, c.args);
  if (why.empty()) return why;
  bool names_one_that_can = false;
  for (const std::string& other : attention_kernel_names()) {
    names_one_that_can |= why.find("'" + other + "'") != std::string::npos &&
                          attention_kernel(other).refuses(q, k, v, c.args).empty();
  }
  EXPECT_TRUE(names_one_that_can) << kernel << ": " << why;
  EXPECT_EQ(why.find('\n'), std::string::npos) << why;
  return why;
}

}  // namespace

std::string refusal(const std::string& kernel, const AttendCase& c) {
  return refusal(kernel, c, /*with_gradients=*/false);
}

bool trains(const std::string& kernel, const AttendCase& c) {
  return refusal(kernel, c, /*with_gradients=*/true).empty();
}

namespace {

/// What a kernel may add to torch's own error, relative to the largest number: weights are rounded
/// to a factor's 16 bits where factors have so many.
double rounding_of(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kBFloat16:
      return std::ldexp(1.0, -8);
    case torch::kHalf:
      return std::ldexp(1.0, -11);
    default:
      return 1e-6;
  }
}

void expect_exact(const AttentionKernel& kernel, const AttendCase& c, bool with_gradients) {
  const auto wanted = reference(c), got = run(kernel, c, with_gradients),
             torch = run_torch_alone(c);
  const double largest_gradient =
      std::max({largest(wanted.dq), largest(wanted.dk), largest(wanted.dv)});
  const double rounding = rounding_of(c.q.scalar_type());
  const auto compare = [&](const char* what, const torch::Tensor AttendResult::*field,
                           double scale) {
    const double torch_error = error_of(torch.*field, wanted.*field);
    ASSERT_TRUE(std::isfinite(torch_error)) << what << " of torch is no yardstick";
    EXPECT_LE(error_of(got.*field, wanted.*field),
              2 * torch_error + rounding * std::max(1.0, scale))
        << what << " of kernel " << kernel.name();
  };
  compare("y", &AttendResult::y, largest(wanted.y));
  if (!with_gradients) return;
  compare("dq", &AttendResult::dq, largest_gradient);
  compare("dk", &AttendResult::dk, largest_gradient);
  compare("dv", &AttendResult::dv, largest_gradient);
  // An entry sums what up to B T queries give, which may cancel.
  const auto terms = static_cast<double>(c.q.size(0) * c.q.size(2));
  if (got.drelative.defined() && torch.drelative.defined())
    compare("drelative", &AttendResult::drelative,
            std::max({largest(wanted.drelative), largest_gradient, terms}));
}

}  // namespace

bool expect_as_exact_as_torch(const std::string& kernel, const AttendCase& c) {
  if (!refusal(kernel, c).empty()) return false;
  expect_exact(attention_kernel(kernel), c, trains(kernel, c));
  return true;
}

bool expect_as_exact_as_torch(const AttentionKernel& kernel, const AttendCase& c) {
  if (!kernel.refuses(c.q, c.k, c.v, c.args).empty()) return false;
  expect_exact(kernel, c, /*with_gradients=*/true);
  return true;
}

}  // namespace zoo::testing
