// attend(): checks the arguments once, then runs the kernel.
#include "models/attention/attend.h"

#include <ATen/ExpandUtils.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/own_kernel.h"
#include "models/layers/batch_shard.h"

namespace zoo {
namespace {

void check_tensors(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4,
              "attend: q, k and v must be [batch, heads, length, head width], got ", q.sizes(),
              ", ", k.sizes(), " and ", v.sizes());
  TORCH_CHECK(k.sizes() == v.sizes(), "attend: k and v must have one shape, got ", k.sizes(),
              " and ", v.sizes());
  TORCH_CHECK(q.size(0) == k.size(0) && q.size(3) == k.size(3),
              "attend: q and k must agree in batch and head width, got ", q.sizes(), " and ",
              k.sizes());
  TORCH_CHECK(k.size(1) > 0 && q.size(1) % k.size(1) == 0,
              "attend: key-value heads must divide query heads, got ", k.size(1), " and ",
              q.size(1));
  TORCH_CHECK(q.is_floating_point() && q.dtype() == k.dtype() && q.dtype() == v.dtype(),
              "attend: q, k and v must share one floating-point type, got ", q.dtype(), ", ",
              k.dtype(), " and ", v.dtype());
  TORCH_CHECK(q.device() == k.device() && q.device() == v.device(),
              "attend: q, k and v must be on one device, got ", q.device(), ", ", k.device(),
              " and ", v.device());
}

void check_per_row(const char* name, const torch::Tensor& t, int64_t B) {
  TORCH_CHECK(!t.defined() || (t.dim() == 1 && t.size(0) == B && t.scalar_type() == torch::kLong),
              "attend: ", name, " must be int64 [", B, "], got ", t.dtype(), " ", t.sizes());
}

void check_blocks(const AttendArgs& args, int64_t H, int64_t S) {
  const auto& layout = args.block_layout;
  if (!layout.defined()) return;
  TORCH_CHECK(args.block_size >= 1, "attend: block_layout needs a block_size of at least 1, got ",
              args.block_size);
  TORCH_CHECK(layout.scalar_type() == torch::kBool &&
                  (layout.dim() == 2 || (layout.dim() == 3 && layout.size(0) == H)) &&
                  layout.size(-2) > 0,
              "attend: block_layout must be bool [blocks of queries, blocks of keys], or one for "
              "each of ",
              H, " heads, got ", layout.dtype(), " ", layout.sizes());
  TORCH_CHECK(layout.size(-1) * args.block_size >= S, "attend: block_layout must cover ", S,
              " keys, got ", layout.size(-1), " blocks of ", args.block_size);
}

void check_args(const AttendArgs& args, int64_t B, int64_t H, int64_t T, int64_t S) {
  const std::array<int64_t, 4> shape{B, H, T, S};
  const at::IntArrayRef scores(shape);
  check_per_row("query_start", args.query_start, B);
  check_per_row("key_lengths", args.key_lengths, B);
  check_per_row("prefix_lengths", args.prefix_lengths, B);
  check_blocks(args, H, S);
  TORCH_CHECK(!args.window || *args.window >= 1, "attend: window must be at least 1, got ",
              args.window.value_or(0));
  TORCH_CHECK(args.global_tokens >= 0, "attend: global_tokens must be 0 or more, got ",
              args.global_tokens);
  TORCH_CHECK(std::isfinite(args.score_cap) && args.score_cap >= 0.0,
              "attend: score_cap must be 0 (none) or a positive number, got ", args.score_cap);
  TORCH_CHECK(args.dropout >= 0.0 && args.dropout <= 1.0,
              "attend: dropout must be between 0 and 1, got ", args.dropout);
  TORCH_CHECK(!args.may_attend.defined() || args.may_attend.scalar_type() == torch::kBool,
              "attend: may_attend must be bool (true: may attend), got ", args.may_attend.dtype(),
              "; pass an additive mask as bias");
  TORCH_CHECK(!args.may_attend.defined() || at::is_expandable_to(args.may_attend.sizes(), scores),
              "attend: may_attend must broadcast to ", scores, ", got ", args.may_attend.sizes());
  TORCH_CHECK(!args.bias.defined() || (args.bias.is_floating_point() &&
                                       at::is_expandable_to(args.bias.sizes(), scores)),
              "attend: bias must be floating-point and broadcast to ", scores, ", got ",
              args.bias.dtype(), " ", args.bias.sizes());
  const int64_t distances = std::max<int64_t>(0, T + S - 1);
  TORCH_CHECK(!args.relative_bias.defined() ||
                  (args.relative_bias.is_floating_point() && args.relative_bias.dim() == 2 &&
                   args.relative_bias.size(0) == H && args.relative_bias.size(1) == distances),
              "attend: relative_bias must be floating-point [", H, ", ", distances, "], got ",
              args.relative_bias.dtype(), " ", args.relative_bias.sizes());
  TORCH_CHECK(
      !args.head_gate.defined() || (args.head_gate.dim() == 1 && args.head_gate.size(0) == H) ||
          (args.head_gate.dim() == 2 && args.head_gate.size(0) == B && args.head_gate.size(1) == H),
      "attend: head_gate must be [", H, "] or [", B, ", ", H, "], got ", args.head_gate.sizes());
}

uint64_t draw_seed() {
  return static_cast<uint64_t>(
      torch::randint(std::numeric_limits<int64_t>::max(), {1}, torch::kLong).item<int64_t>());
}

AttendArgs with_seed(AttendArgs args, const torch::Tensor& q) {
  if (args.dropout == 0.0 || args.dropout_seed) return args;
  args.dropout_seed = draw_seed();
  if (const BatchShard* const shard = BatchShardGuard::current(); shard != nullptr)
    args.dropout_row = shard->first * q.size(1) * q.size(2);
  return args;
}

torch::Tensor gate_heads(const torch::Tensor& y, const torch::Tensor& gate) {
  const auto per_row = gate.dim() == 1 ? gate.unsqueeze(0) : gate;  // [1 or B, H]
  return y * per_row.unsqueeze(-1).unsqueeze(-1).to(y.dtype());     // [B, H, T, Dh]
}

}  // namespace

const AttentionKernel& attention_kernel(std::string_view name) {
  if (is_own_kernel(name)) return own_kernel(name);
  std::string known;
  for (const AttentionKernel* kernel : all_kernels()) {
    if (kernel->name() == name) return *kernel;
    known += (known.empty() ? "" : ", ") + std::string(kernel->name());
  }
  TORCH_CHECK(false, "attention: unknown kernel '", name, "'; known are: ", known);
}

std::vector<std::string> attention_kernel_names() {
  std::vector<std::string> names;
  for (const AttentionKernel* kernel : all_kernels()) names.emplace_back(kernel->name());
  return names;
}

torch::Tensor attend(const AttentionKernel& kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args) {
  check_tensors(q, k, v);
  check_args(args, q.size(0), q.size(1), q.size(2), k.size(2));
  const auto refusal = kernel.refuses(q, k, v, args);
  TORCH_CHECK(refusal.empty(), "attention kernel '", kernel.name(), "': ", refusal);

  const AttendArgs seeded = with_seed(args, q);
  if (q.numel() == 0 || k.size(2) == 0) {  // no queries or no keys
    if (args.weights != nullptr)
      *args.weights = torch::zeros({q.size(0), q.size(1), q.size(2), k.size(2)}, q.options());
    // Zeros that depend on all inputs, so that each gets a gradient.
    const auto y = q.masked_fill(torch::ones({}, q.options().dtype(torch::kBool)), 0.0) +
                   (k.sum() + v.sum()) * 0.0;
    return args.head_gate.defined() ? gate_heads(y, args.head_gate) : y;
  }
  auto y = kernel.run(q, k, v, seeded);  // [B, H, T, Dh]
  return args.head_gate.defined() ? gate_heads(y, args.head_gate) : y;
}

torch::Tensor attend(std::string_view kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args) {
  return attend(attention_kernel(kernel), q, k, v, args);
}

}  // namespace zoo
