#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/32_fused_kernel/fused_kernel.h"
#include "notebooks-cpp/exercises/32_fused_kernel/machine.h"

namespace gpu {

Array::Number::operator float() const { return machine_->read(which_, n_); }
float Array::Number::operator=(float x) {
  machine_->write(which_, n_, x);
  return x;
}
void Block::sync(int line) { machine_->sync(line); }

}  // namespace gpu

namespace {

using exercises::Value;
using exercises::Values;
using gpu::Machine;

std::vector<float> numbers(const torch::Tensor& tensor) {
  const auto flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

torch::Tensor tensor(const std::vector<float>& numbers, at::IntArrayRef sizes) {
  return torch::tensor(numbers, torch::kFloat).reshape(sizes);
}

/// What each thread gets from two reductions in a row, the sum first: [2, threads].
Machine reduce(const torch::Tensor& x, bool backwards, torch::Tensor& results) {
  const int64_t threads = x.size(0);
  Machine machine(threads, threads, backwards);
  const auto in = machine.add("x", numbers(x));
  const auto out = machine.add("results", std::vector<float>(static_cast<size_t>(2 * threads)));
  machine.run(1, [&](gpu::Block& block) {
    const float mine = in[block.thread()];
    const float sum = combine_all(block, block.shared(), mine, gpu::sum_of);
    const float largest = combine_all(block, block.shared(), mine, gpu::larger_of);
    out[block.thread()] = sum;
    out[threads + block.thread()] = largest;
  });
  results = tensor(machine.numbers(out), {2, threads});
  return machine;
}

Machine attend(const Values& in, bool backwards, torch::Tensor& y) {
  const auto q = in.at(0).toTensor(), k = in.at(1).toTensor(), v = in.at(2).toTensor();
  const int64_t threads = in.at(5).toInt();
  Machine machine(threads, k.size(0) + threads, backwards);
  const auto make = [&](const char* name, const torch::Tensor& x) {
    return machine.add(name, numbers(x));
  };
  const Head head{
      make("q", q),     make("k", k), make("v", v), make("y", torch::full(q.sizes(), -7.0)),
      q.size(0),        k.size(0),    q.size(1),    static_cast<float>(in.at(3).toDouble()),
      in.at(4).toBool()};
  machine.run(head.T, [&](gpu::Block& block) { attend_row(block, head); });
  y = tensor(machine.numbers(head.y), q.sizes());
  return machine;
}

/// Of both orders of threads: the first trouble, and what the second one gives.
template <class Run>
Value watch(const Run& run) {
  torch::Tensor results;
  const std::string forwards = run(false, results).trouble(),
                    backwards = run(true, results).trouble();
  return std::make_tuple(forwards.empty() ? backwards : forwards, results);
}

}  // namespace

EXERCISE_SHIM({"combine_all",
               [](const Values& in) -> Value {
                 torch::Tensor results;
                 reduce(in.at(0).toTensor(), in.at(1).toBool(), results);
                 return results;
               }},
              {"attend_row",
               [](const Values& in) -> Value {
                 torch::Tensor y;
                 attend(in, in.at(6).toBool(), y);
                 return y;
               }},
              {"watch_combine_all",
               [](const Values& in) -> Value {
                 return watch([&](bool backwards, torch::Tensor& results) {
                   return reduce(in.at(0).toTensor(), backwards, results);
                 });
               }},
              {"watch_attend_row", [](const Values& in) -> Value {
                 return watch([&](bool backwards, torch::Tensor& results) {
                   return attend(in, backwards, results);
                 });
               }})
