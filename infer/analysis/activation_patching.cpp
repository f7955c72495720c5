#include "infer/analysis/activation_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace zoo {
namespace {

/// The residual stream before each layer and after the last one, [T, C] each.
struct Stream {
  std::vector<torch::Tensor> states;
  torch::Tensor logits;  // [V], of the next token
};

torch::Tensor last_logits(GptImpl& model, torch::Tensor h) {
  h = h.select(1, -1);  // [B, T, C] -> [B, C]
  return model.logits_of(model.final_norm ? model.final_norm(h) : h).to(torch::kDouble);
}

Stream stream_of(GptImpl& model, const torch::Tensor& tokens) {
  Trace trace{.hidden_states = true, .tensors = {}};
  model.hidden(tokens, {.trace = &trace, .trace_before_norm = true});
  Stream stream;
  for (int64_t n = 0; n <= model.options.layers; ++n)
    stream.states.push_back(trace.tensors.at("hidden_states." + std::to_string(n))[0]);
  stream.logits = last_logits(model, stream.states.back().unsqueeze(0))[0];
  return stream;
}

/// h [B, T, C] from before `layer` on -> [B, V]
torch::Tensor run_from(GptImpl& model, int64_t layer, torch::Tensor h) {
  SelfAttentionContext context{.args = {.causal = true}, .position = model.position.get()};
  context.positions = torch::arange(h.size(1), torch::kLong).unsqueeze(0).to(h.device());  // [1, T]
  context.rotation = model.position->rotation(context.positions);
  for (int64_t n = layer; n < model.options.layers; ++n)
    h = model.blocks->at<BlockImpl>(static_cast<size_t>(n)).forward(h, context);
  return last_logits(model, h);
}

}  // namespace

Patching patch_activations(GptImpl& model, const std::vector<int64_t>& clean,
                           const std::vector<int64_t>& corrupted, std::optional<int64_t> answer,
                           std::optional<int64_t> other) {
  if (clean.size() != corrupted.size()) {
    throw std::invalid_argument(fmt::format(
        "the inputs must have as many tokens, got {} and {}; change words for others of the same "
        "length",
        clean.size(), corrupted.size()));
  }
  const torch::NoGradGuard no_grad;
  const auto device = model.token_embedding->weight.device();
  const auto tensor_of = [&](const std::vector<int64_t>& ids) {
    const auto tokens = torch::tensor(ids, torch::kLong).unsqueeze(0).to(device);  // [1, T]
    check_token_ids(tokens, model.options.vocab_size, "patch_activations");
    return tokens;
  };
  const Stream good = stream_of(model, tensor_of(clean)),
               bad = stream_of(model, tensor_of(corrupted));
  Patching result{.answer = answer.value_or(good.logits.argmax().item<int64_t>()),
                  .other = other.value_or(bad.logits.argmax().item<int64_t>())};
  const auto difference = [&](const torch::Tensor& logits) {  // [..., V] -> [...]
    return logits.select(-1, result.answer) - logits.select(-1, result.other);
  };
  result.clean = difference(good.logits).item<double>();
  result.corrupted = difference(bad.logits).item<double>();
  if (std::abs(result.clean - result.corrupted) < 1e-6) {
    throw std::invalid_argument(
        fmt::format("both inputs give the tokens {} and {} the same chance, so a patch has nothing "
                    "to bring back; change the input, or name --answer and --other",
                    result.answer, result.other));
  }
  const auto T = std::ssize(clean);
  std::vector<torch::Tensor> rows;
  for (size_t layer = 0; layer < good.states.size(); ++layer) {
    auto batch = bad.states[layer].unsqueeze(0).repeat({T, 1, 1});  // [T, T, C]: row t patches t
    for (int64_t t = 0; t < T; ++t) batch[t][t].copy_(good.states[layer][t]);
    const auto got = difference(run_from(model, static_cast<int64_t>(layer), batch));  // [T]
    rows.push_back((got - result.corrupted) / (result.clean - result.corrupted));
  }
  result.restored = torch::stack(rows).cpu();  // [L + 1, T]
  return result;
}

}  // namespace zoo
