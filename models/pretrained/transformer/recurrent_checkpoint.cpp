// config.json and weights of the recurrent baseline, in and out.
#include "models/pretrained/transformer/recurrent_checkpoint.h"

#include "models/cost/transformer_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/transformer/encoder_decoder_cost.h"
#include "models/pretrained/transformer/transformer_forward.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

struct RecurrentFormat : CheckpointFormat<Recurrent, RecurrentConfig> {
  static RecurrentConfig from_json(const json& config) {
    RecurrentConfig result{.layout = read_model_type<RecurrentLayout>(config)};
    read_zoo_options(config, result.options, /*needs=*/true);
    RecurrentOptions& o = result.options;
    o.source_vocab_size = config_count(config, "vocab_size", 0);
    o.vocab_size = config_count(config, "decoder_vocab_size", o.source_vocab_size);
    check(o);
    result.ids = special_ids(config);
    return result;
  }
  static json to_json(const RecurrentConfig& config, const std::string& dtype) {
    json result = {{"is_encoder_decoder", true},
                   {"vocab_size", config.options.source_vocab_size},
                   {"decoder_vocab_size", config.options.vocab_size},
                   {"zoo", options_to_json(config.options)}};
    put_class(result, name_of(config.layout), "ZooRecurrent", dtype);
    put_special_ids(config.ids, result);
    return result;
  }
  static RecurrentConfig config_of(const RecurrentOptions& options) { return {.options = options}; }
  static std::string note(const RecurrentOptions&) {
    return "checkpoints are written as model_type zoo_recurrent: Python's transformers has no such "
           "model";
  }
  static NameMap names(const RecurrentOptions&) { return recurrent_name_map(); }
  static ModelCost cost(const RecurrentOptions& o) { return cost_of(o, o.context); }
};

}  // namespace

RecurrentConfig read_recurrent_config(const fs::path& folder) {
  return read_checkpoint_config<RecurrentFormat>(folder);
}

NameMap recurrent_name_map() { return {.family = "zoo_recurrent", .rows = {}}; }

Recurrent load_recurrent(const fs::path& folder, const LoadModelOptions& options) {
  return load_checkpoint<RecurrentFormat>(folder, options);
}

void save_recurrent(const Recurrent& model, const fs::path& folder, const SpecialIds& ids) {
  save_checkpoint<RecurrentFormat>(*model, folder, {.ids = ids});
}

void register_recurrent(ModelRegistry& registry) {
  ModelFamily family = family_of<RecurrentFormat>();
  family.model_types = model_types_of<RecurrentLayout>();
  family.architectures = {"ZooRecurrent"};
  family.forward = forward_recurrent;
  family.cost = [](const fs::path& folder, int64_t length) {
    return encoder_decoder_cost(load_recurrent(folder)->options, length);
  };
  registry.add(std::move(family));
}

}  // namespace zoo
