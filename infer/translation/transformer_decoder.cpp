// Next-token scores of an encoder-decoder: the sources' keys and values, a cache of the targets.
#include "infer/translation/transformer_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "infer/decode/rows.h"
#include "models/cost/transformer_cost.h"

namespace zoo {
namespace {

class TransformerState final : public DecodeState {
 public:
  TransformerState(std::vector<CrossKeyValues> cross_, torch::Tensor source_lengths_,
                   KvCache cache_)
      : cross(std::move(cross_)),
        source_lengths(std::move(source_lengths_)),
        cache(std::move(cache_)) {}

  torch::Tensor lengths() const override { return cache.lengths(); }
  void reorder(const torch::Tensor& rows) override {
    const auto on_device = rows.to(source_lengths.device());
    source_lengths = source_lengths.index_select(0, on_device);
    for (CrossKeyValues& layer : cross) {
      layer.k = layer.k.index_select(0, on_device);
      layer.v = layer.v.index_select(0, on_device);
      layer.lengths = source_lengths;
    }
    cache.reorder(rows);
  }
  void append(std::unique_ptr<DecodeState> rows) override {
    auto* const other = dynamic_cast<TransformerState*>(rows.get());
    TORCH_CHECK(other != nullptr && other->cross.size() == cross.size(),
                "TransformerDecoder: the rows to append must come from the same decoder");
    cache.append_rows(other->cache);
    source_lengths = torch::cat({source_lengths, other->source_lengths});
    const int64_t S = source_lengths.numel() == 0 ? 0 : source_lengths.max().item<int64_t>();
    for (size_t n = 0; n < cross.size(); ++n) {
      cross[n].k = join_rows(cross[n].k, other->cross[n].k, 2, S);  // [B, Hkv, S, Dh]
      cross[n].v = join_rows(cross[n].v, other->cross[n].v, 2, S);
      cross[n].lengths = source_lengths;
    }
  }
  bool can_truncate() const override { return cache.can_truncate(); }
  void truncate(const torch::Tensor& lengths) override { cache.truncate(lengths); }

  std::vector<CrossKeyValues> cross;  // one a layer
  torch::Tensor source_lengths;       // [B] int64 on the model's device
  KvCache cache;
};

}  // namespace

TransformerDecoder::TransformerDecoder(Transformer model) : model_(std::move(model)) {
  TORCH_CHECK(!model_->is_training(),
              "TransformerDecoder: the model is in training mode, where dropout acts; call eval() "
              "first");
}

/// The memory of a source, which every row has as well, is at most about as large.
double TransformerDecoder::row_bytes(int64_t longest) const {
  const ModelCost cost = cost_of(model_->options, 1);
  const double values =
      cost.cache_values + cost.cache_values_per_token * static_cast<double>(longest);
  return NextToken::row_bytes(longest) + static_cast<double>(sizeof(float)) * values;
}

std::unique_ptr<DecodeState> TransformerDecoder::start(const torch::Tensor& sources,
                                                       const torch::Tensor& lengths,
                                                       int64_t longest) const {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  TransformerImpl& transformer = *model_.ptr();  // in evaluation mode: nothing in it changes
  const auto device = transformer.source_embedding->weight.device();
  const auto known = lengths.to(device);
  const auto encoded = transformer.encode(sources.to(device), {.key_lengths = known});  // [B, S, C]
  const int64_t context = transformer.options.context;  // 0: no limit
  TORCH_CHECK(longest > 0 || context > 0,
              "TransformerDecoder: this model has no longest target; say how long it may become");
  const int64_t capacity =
      longest > 0 && context > 0 ? std::min(longest, context) : std::max(longest, context);
  return std::make_unique<TransformerState>(transformer.cross_keys_values(encoded, known), known,
                                            transformer.make_cache(sources.size(0), capacity));
}

Scores TransformerDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                                DecodeState& state, const StepWants& wants) const {
  const c10::InferenceMode no_bookkeeping_for_gradients;
  auto* const rows = dynamic_cast<TransformerState*>(&state);
  TORCH_CHECK(rows != nullptr,
              "TransformerDecoder: the state must come from TransformerDecoder::start");
  const int64_t T = tokens.size(1);
  const bool ragged = counts.lt(T).any().item<bool>();
  TransformerImpl& transformer = *model_.ptr();
  const auto device = transformer.source_embedding->weight.device();
  Trace trace{.attentions = wants.cross_attention, .tensors = {}};
  auto hidden = transformer.decode(tokens.to(device), rows->cross,
                                   {.cache = &rows->cache,
                                    .counts = ragged ? counts : torch::Tensor(),
                                    .trace = &trace});  // [B, T, C]
  torch::Tensor attention;
  if (wants.cross_attention) {
    const auto last = fmt::format("cross_attentions.{}", transformer.options.decoder_layers - 1);
    attention = trace.tensors.at(last).mean(1);  // [B, T, S]
  }
  if (!wants.every_token) {
    hidden = last_counted(hidden, counts);        // [B, 1, C]
    attention = last_counted(attention, counts);  // [B, 1, S]
  }
  return {transformer.logits_of(hidden), wants.hidden ? hidden : torch::Tensor(), attention};
}

}  // namespace zoo
