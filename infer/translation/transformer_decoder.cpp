// Next-token scores of an encoder-decoder: memories of the sources, caches of the targets.
#include "infer/translation/transformer_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "infer/decode/rows.h"

namespace zoo {
namespace {

class TransformerState final : public DecodeState {
 public:
  TransformerState(std::vector<CrossKeyValues> memory_, std::vector<KvCache> caches_)
      : memory(std::move(memory_)), caches(std::move(caches_)) {}

  torch::Tensor lengths() const override { return caches.front().lengths(); }
  void reorder(const torch::Tensor& rows) override {
    const auto places = rows.to(memory.front().k.device());
    for (CrossKeyValues& layer : memory) {
      layer.k = layer.k.index_select(0, places);
      layer.v = layer.v.index_select(0, places);
      if (layer.lengths.defined()) layer.lengths = layer.lengths.index_select(0, places);
    }
    for (KvCache& cache : caches) cache.reorder(rows);
  }
  bool can_truncate() const override { return true; }
  void truncate(const torch::Tensor& lengths) override {
    for (KvCache& cache : caches) cache.truncate(lengths);
  }

  std::vector<CrossKeyValues> memory;  // one a layer
  std::vector<KvCache> caches;
};

}  // namespace

TransformerDecoder::TransformerDecoder(Transformer model) : model_(std::move(model)) {
  TORCH_CHECK(!model_->is_training(),
              "TransformerDecoder: the model is in training mode, where dropout acts; call eval() "
              "first");
}

/// The memory of a source, which every row has as well, is at most about as large.
double TransformerDecoder::row_bytes(int64_t longest) const {
  const TransformerOptions& o = model_->options;
  const double keys_and_values = 2.0 * static_cast<double>(o.decoder_layers * o.d_model);
  return NextToken::row_bytes(longest) +
         static_cast<double>(sizeof(float)) * keys_and_values * static_cast<double>(longest);
}

std::unique_ptr<DecodeState> TransformerDecoder::start(const torch::Tensor& sources,
                                                       const torch::Tensor& lengths,
                                                       int64_t longest) {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  const auto device = model_->source_embedding->weight.device();
  const auto known = lengths.to(device);
  const auto encoded = model_->encode(sources.to(device), {.key_lengths = known});  // [B, S, C]
  const int64_t context = model_->options.context;
  const int64_t capacity = longest > 0 ? std::min(longest, context) : context;
  return std::make_unique<TransformerState>(model_->cross_keys_values(encoded, known),
                                            model_->make_caches(sources.size(0), capacity));
}

Scores TransformerDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                                DecodeState& state, const StepWants& wants) {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  auto* const rows = dynamic_cast<TransformerState*>(&state);
  TORCH_CHECK(rows != nullptr,
              "TransformerDecoder: the state must come from TransformerDecoder::start");
  const int64_t T = tokens.size(1);
  const bool ragged = counts.lt(T).any().item<bool>();
  const auto device = model_->source_embedding->weight.device();
  Trace trace{.attentions = wants.cross_attention, .tensors = {}};
  auto hidden = model_->decode(tokens.to(device), rows->memory,
                               {.caches = &rows->caches,
                                .counts = ragged ? counts : torch::Tensor(),
                                .trace = &trace});  // [B, T, C]
  torch::Tensor looked;
  if (wants.cross_attention) {
    const auto last = fmt::format("cross_attentions.{}", model_->options.decoder_layers - 1);
    looked = trace.tensors.at(last).mean(1);  // [B, T, S]
  }
  if (!wants.every_token) {
    hidden = last_counted(hidden, counts);  // [B, 1, C]
    looked = last_counted(looked, counts);  // [B, 1, S]
  }
  return {model_->logits_of(hidden), wants.hidden ? hidden : torch::Tensor(), looked};
}

}  // namespace zoo
