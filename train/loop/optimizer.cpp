#include "train/loop/optimizer.h"

#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <fmt/format.h>

#include <stdexcept>

namespace zoo {

bool decays(std::string_view name, const torch::Tensor& parameter) {
  if (name.find("bias") != std::string_view::npos || parameter.dim() == 0) return false;
  return parameter.dim() >= 2 || !name.ends_with("weight");
}

AdamW::AdamW(const torch::nn::Module& module, const AdamWOptions& options) : options_(options) {
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    slots_.push_back(
        {.name = item.key(),
         .parameter = parameter,
         .exp_avg = torch::zeros_like(parameter, torch::MemoryFormat::Preserve).detach(),
         .exp_avg_sq = torch::zeros_like(parameter, torch::MemoryFormat::Preserve).detach(),
         .step = torch::zeros({}, parameter.options().dtype(torch::kFloat).requires_grad(false)),
         .decays = zoo::decays(item.key(), parameter)});
  }
}

void AdamW::step(double learning_rate, double divisor) {
  const torch::NoGradGuard no_grad;
  // The kernel divides gradients by its grad_scale while it reads them: clipping costs no pass of
  // its own.
  torch::Tensor scale;
  if (divisor != 1.0 && !slots_.empty()) {
    scale = torch::full(
        {}, divisor, slots_.front().parameter.options().dtype(torch::kFloat).requires_grad(false));
  }
  step_group(true, learning_rate, scale);
  step_group(false, learning_rate, scale);
}

void AdamW::step_group(bool decays, double learning_rate, const torch::Tensor& divisor) {
  std::vector<torch::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (Slot& slot : slots_) {
    if (slot.decays != decays || !slot.parameter.grad().defined()) continue;
    parameters.push_back(slot.parameter);
    gradients.push_back(slot.parameter.grad());
    exp_avgs.push_back(slot.exp_avg);
    exp_avg_sqs.push_back(slot.exp_avg_sq);
    slot.step.add_(1);
    steps.push_back(slot.step);
  }
  if (parameters.empty()) return;
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps,
                    learning_rate, options_.beta1, options_.beta2,
                    decays ? options_.weight_decay : 0.0, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false,
                    divisor.defined() ? std::optional<torch::Tensor>(divisor) : std::nullopt);
}

void AdamW::zero_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = torch::Tensor();
}

std::vector<torch::Tensor> AdamW::parameters() const {
  std::vector<torch::Tensor> parameters;
  for (const Slot& slot : slots_) parameters.push_back(slot.parameter);
  return parameters;
}

std::vector<torch::Tensor> AdamW::gradients() const {
  std::vector<torch::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
  }
  return gradients;
}

double AdamW::gradient_norm() const {
  const auto all = gradients();
  if (all.empty()) return 0.0;
  return torch::stack(at::_foreach_norm(all)).norm().item<double>();
}

std::map<std::string, torch::Tensor> AdamW::state() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) {
    state["exp_avg." + slot.name] = slot.exp_avg;
    state["exp_avg_sq." + slot.name] = slot.exp_avg_sq;
    state["step." + slot.name] = slot.step;
  }
  return state;
}

void AdamW::restore(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, torch::Tensor& into) {
    const auto found = state.find(name);
    if (found == state.end())
      throw std::runtime_error(fmt::format("optimizer state: '{}' is missing", name));
    if (found->second.sizes() != into.sizes()) {
      throw std::runtime_error(
          fmt::format("optimizer state: '{}' has another shape than the model's", name));
    }
    into.copy_(found->second);
  };
  for (Slot& slot : slots_) {
    take("exp_avg." + slot.name, slot.exp_avg);
    take("exp_avg_sq." + slot.name, slot.exp_avg_sq);
    take("step." + slot.name, slot.step);
  }
}

}  // namespace zoo
