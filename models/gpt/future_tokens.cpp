#include "models/gpt/future_tokens.h"

#include <torch/nn/functional/loss.h>

namespace zoo {

FutureTokensImpl::FutureTokensImpl(int64_t tokens, const BlockOptions& block) {
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < tokens; ++n) blocks->push_back(Block(block));
}

torch::Tensor FutureTokensImpl::loss(
    const torch::Tensor& states, const torch::Tensor& tokens, const SelfAttentionContext& context,
    const std::function<torch::Tensor(const torch::Tensor&)>& logits) {
  const int64_t T = tokens.size(1);
  const auto places = torch::arange(T, tokens.options());  // [T]
  auto sum = states.sum() * 0.0;                           // of all cross-entropies
  torch::Tensor count = torch::zeros({}, tokens.options());
  for (int64_t n = 1; n <= std::ssize(*blocks); ++n) {
    const int64_t ahead = n + 1;  // the next token is one place ahead
    if (ahead >= T) break;
    const auto read = blocks->at<BlockImpl>(static_cast<size_t>(n - 1)).forward(states, context);
    const auto scores = logits(read.narrow(1, 0, T - ahead)).flatten(0, 1);
    const auto targets = tokens.narrow(1, ahead, T - ahead);  // [B, T - ahead]
    auto real = torch::ones_like(targets);
    if (context.args.key_lengths.defined()) {
      const auto lengths = context.args.key_lengths.to(tokens.device()).unsqueeze(1);  // [B, 1]
      real = places.narrow(0, ahead, T - ahead).unsqueeze(0).lt(lengths).to(torch::kLong);
    }
    const auto each = torch::nn::functional::cross_entropy(
        scores, targets.flatten(),
        torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
    sum = sum + (each * real.flatten()).sum();
    count = count + real.sum();
  }
  return sum / count.clamp_min(1);
}

}  // namespace zoo
