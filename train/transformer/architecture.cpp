#include "train/transformer/architecture.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <stdexcept>

#include "models/cost/transformer_cost.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "models/transformer/recurrent.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// The LSTM with attention has the Transformer's width and as many layers as its encoder.
RecurrentOptions recurrent_options(const TransformerOptions& o) {
  return {.vocab_size = o.vocab_size,
          .source_vocab_size = o.source_vocab_size,
          .context = o.context,
          .layers = o.encoder_layers,
          .d_model = o.d_model,
          .share_embeddings = o.share_embeddings,
          .tie_embeddings = o.tie_embeddings,
          .dropout = o.dropout};
}

TransformerOptions read_recurrent_options(const fs::path& folder) {
  const RecurrentOptions r = read_recurrent_config(folder).options;
  TransformerOptions o;
  o.vocab_size = r.vocab_size;
  o.source_vocab_size = r.source_vocab_size;
  o.context = r.context;
  o.encoder_layers = r.layers;
  o.d_model = r.d_model;
  o.share_embeddings = r.share_embeddings;
  o.tie_embeddings = r.tie_embeddings;
  o.dropout = r.dropout;
  return o;
}

std::vector<std::string> recurrent_lacks() {
  std::set<std::string, std::less<>> has = {"encoder-layers"};
  RecurrentOptions recurrent;
  visit(recurrent, [&](std::string_view name, auto&, std::string_view) { has.emplace(name); });
  std::vector<std::string> lacks;
  TransformerOptions all;
  visit(all, [&](std::string_view name, auto&, std::string_view) {
    if (!has.contains(name)) lacks.emplace_back(name);
  });
  return lacks;
}

}  // namespace

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> table = {
      {.name = "transformer",
       .is_in = [](const fs::path& folder) { return !is_recurrent(folder); },
       .read_options =
           [](const fs::path& folder) { return resolved(read_transformer_config(folder).options); },
       .check = [](const TransformerOptions& o) { check(o); },
       .cost = [](const TransformerOptions& o) { return cost_of(o, o.context); },
       .make = [](const TransformerOptions& o) { return translation_model(Transformer(o)); },
       .lacks = [] { return std::vector<std::string>(); }},
      {.name = "recurrent",
       .is_in = is_recurrent,
       .read_options = read_recurrent_options,
       .check = [](const TransformerOptions& o) { check(recurrent_options(o)); },
       .cost = [](const TransformerOptions& o) { return cost_of(recurrent_options(o), o.context); },
       .make =
           [](const TransformerOptions& o) {
             return translation_model(Recurrent(recurrent_options(o)));
           },
       .lacks = recurrent_lacks}};
  return table;
}

const Architecture& architecture_in(const fs::path& folder) {
  for (const auto& row : architectures())
    if (row.is_in(folder)) return row;
  throw std::runtime_error(fmt::format("'{}' holds no encoder-decoder", folder.string()));
}

}  // namespace zoo
