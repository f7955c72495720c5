// All places of a layer are patched in one pass: row t of its batch has place t patched.
#include "infer/analysis/activation_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

/// Which part of which layer; the residual stream of layer n is what stands before it.
using Place = std::pair<int64_t, LayerPart>;

/// One pass over T tokens, [T, C] each: the stream before each layer and after the last, and what
/// each sub-layer adds.
struct Pass {
  std::map<Place, torch::Tensor> vectors;
  torch::Tensor logits;  // [V], of the next token
};

/// Gets the layer as well; returns what takes the vectors' place.
using Change = std::function<torch::Tensor(Place, const torch::Tensor&)>;

/// h [B, T, C] before `layer` -> [B, V]
torch::Tensor run_from(GptImpl& model, int64_t layer, torch::Tensor h, const Change& change) {
  SelfAttentionContext context{.args = {.causal = true}, .position = model.position.get()};
  context.positions = torch::arange(h.size(1), torch::kLong).unsqueeze(0).to(h.device());  // [1, T]
  place(context, context.positions.size(1), nullptr);
  for (int64_t n = layer; n < model.options.layers; ++n) {
    h = change({n, LayerPart::kResidual}, h);
    h = run_block(model.blocks->at<BlockImpl>(static_cast<size_t>(n)), h, context,
                  [&](LayerPart part, const torch::Tensor& branch) {
                    return change({n, part}, branch);
                  });
  }
  h = change({model.options.layers, LayerPart::kResidual}, h).select(1, -1);  // [B, C]
  return model.logits_of(model.final_norm ? model.final_norm(h) : h).to(torch::kDouble);
}

Pass pass_over(GptImpl& model, const std::vector<int64_t>& ids) {
  const auto tokens = torch::tensor(ids, torch::kLong).unsqueeze(0);  // [1, T]
  check_token_ids(tokens, model.options.vocab_size, "patch_activations");
  Trace trace{.hidden_states = true, .tensors = {}};
  model.hidden(tokens.to(model.token_embedding->weight.device()), {.trace = &trace});
  Pass pass;
  pass.logits = run_from(model, 0, trace.tensors.at("hidden_states.0"),
                         [&](const Place& place, const torch::Tensor& vectors) {
                           pass.vectors[place] = vectors[0];
                           return vectors;
                         })[0];
  return pass;
}

/// [B, V], B = T: of the corrupted pass, with the clean vector of one place and, in row t, token t.
torch::Tensor patched_logits(GptImpl& model, const Pass& clean, const Pass& corrupted,
                             const Place& patched) {
  const auto& stream = corrupted.vectors.at({patched.first, LayerPart::kResidual});  // [T, C]
  const int64_t T = stream.size(0);
  return run_from(model, patched.first, stream.unsqueeze(0).repeat({T, 1, 1}),
                  [&](const Place& place, const torch::Tensor& vectors) {
                    if (place != patched) return vectors;
                    auto changed = vectors.clone();  // [T, T, C]
                    changed.diagonal().copy_(clean.vectors.at(place).t());
                    return changed;
                  });
}

void require_same_length(size_t clean, size_t corrupted) {
  if (clean == corrupted) return;
  throw std::invalid_argument(fmt::format(
      "the inputs must have as many tokens, got {} and {}; change words for others of the same "
      "length",
      clean, corrupted));
}

}  // namespace

Patching patch_activations(GptImpl& model, const std::vector<int64_t>& clean,
                           const std::vector<int64_t>& corrupted, const PatchingOptions& options) {
  require_same_length(clean.size(), corrupted.size());
  if (model.options.reversible) {
    throw std::invalid_argument(
        "patching needs one residual stream, and this model has two (reversible); take a model "
        "without");
  }
  const torch::NoGradGuard no_grad;
  const Pass good = pass_over(model, clean), bad = pass_over(model, corrupted);
  Patching result{.answer = options.answer.value_or(good.logits.argmax().item<int64_t>()),
                  .other = options.other.value_or(bad.logits.argmax().item<int64_t>())};
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
  const int64_t layers = model.options.layers + (options.what == LayerPart::kResidual ? 1 : 0);
  std::vector<torch::Tensor> rows;
  for (int64_t n = 0; n < layers; ++n) {
    const auto got = difference(patched_logits(model, good, bad, {n, options.what}));  // [T]
    rows.push_back((got - result.corrupted) / (result.clean - result.corrupted));
  }
  result.restored = torch::stack(rows).cpu();
  return result;
}

}  // namespace zoo
