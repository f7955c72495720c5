#include "train/loop/shares.h"

#include <torch/csrc/autograd/custom_function.h>

#include <functional>

#include "base/interrupt.h"

namespace zoo {

BatchShare::BatchShare(Processes& processes, int64_t total)
    : shard_(shard_of(total, processes.rank(), processes.size())) {
  if (processes.size() == 1) return;
  shard_.gather = [&processes](const torch::Tensor& rows) { return processes.all_gather(rows); };
  guard_.emplace(shard_);
}

torch::Tensor BatchShare::rows(const torch::Tensor& x) const {
  return guard_ && x.defined() ? rows_of(shard_, x) : x;
}

namespace {

/// All processes hold the same gradient of all rows, each of its part of the loss.
struct GatherRows : torch::autograd::Function<GatherRows> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& rows,
                               int64_t first, int64_t size,
                               const std::function<torch::Tensor(const torch::Tensor&)>& gather) {
    context->saved_data["first"] = first;
    context->saved_data["rows"] = rows.size(0);
    context->saved_data["size"] = size;
    return gather(rows);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto number = [&](const char* name) { return context->saved_data[name].toInt(); };
    return {gradients[0].narrow(0, number("first"), number("rows")) * number("size"), {}, {}, {}};
  }
};

}  // namespace

torch::Tensor gather_rows(Processes& processes, const torch::Tensor& rows) {
  if (processes.size() == 1) return rows;
  const auto counts = processes.all_gather(torch::tensor({rows.size(0)}, torch::kLong));  // [size]
  const int64_t first = counts.narrow(0, 0, processes.rank()).sum().item<int64_t>();
  return GatherRows::apply(rows, first, processes.size(), [&processes](const torch::Tensor& mine) {
    return processes.all_gather(mine.contiguous());
  });
}

bool EvaluationShare::takes_next() {
  const int64_t n = next_++;
  if (processes_.size() == 1) {
    stop_if_interrupted("measuring");
    return true;
  }
  interrupted_ = interrupted_ || InterruptGuard::requested();
  return !interrupted_ && (!deals_ || n % processes_.size() == processes_.rank());
}

void EvaluationShare::finish() {
  if (processes_.any(interrupted_ || InterruptGuard::requested())) throw_interrupted("measuring");
}

}  // namespace zoo
