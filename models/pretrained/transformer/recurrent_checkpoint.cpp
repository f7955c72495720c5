// config.json and weights of the recurrent baseline, in and out.
#include "models/pretrained/transformer/recurrent_checkpoint.h"

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
constexpr const char* kModelType = "zoo_recurrent";

RecurrentConfig config_from_json(const json& config) {
  if (const auto type = config_value<std::string>(config, "model_type", ""); type != kModelType) {
    config_fail("a checkpoint of another family (model_type \"{}\"), expected {}",
                type.substr(0, 60), kModelType);
  }
  const auto zoo = config.find("zoo");
  if (zoo == config.end()) config_fail("model_type {} needs the options under \"zoo\"", kModelType);
  RecurrentConfig result;
  options_from_json(*zoo, result.options);
  result.options.source_vocab_size = config_count(config, "vocab_size", 0);
  result.options.vocab_size =
      config_count(config, "decoder_vocab_size", result.options.source_vocab_size);
  check(result.options);
  for (const int64_t size : {result.options.context, result.options.layers, result.options.d_model})
    if (size > INT32_MAX) config_fail("\"zoo\": a size is out of range: {}", size);
  result.ids = special_ids(config);
  return result;
}

double claimed_parameters(const RecurrentOptions& o) {
  const double C = double(o.d_model);
  return double(o.source_vocab_size) * C + 8.0 * double(o.layers) * C * C;
}

}  // namespace

RecurrentConfig read_recurrent_config(const fs::path& folder) {
  RecurrentConfig result;
  read_config(folder, [&](const json& config) { result = config_from_json(config); });
  return result;
}

NameMap recurrent_name_map() { return {.family = kModelType, .rows = {}}; }

Recurrent load_recurrent(const fs::path& folder, torch::Device device) {
  const RecurrentConfig config = read_recurrent_config(folder);
  check_claim(claimed_parameters(config.options), SafetensorsReader(folder));
  auto model = build_model<Recurrent>(config.options, folder);
  load_recurrent_weights(model, folder);
  model->to(device);
  model->eval();
  return model;
}

void load_recurrent_weights(Recurrent& model, const fs::path& folder) {
  load_named(*model, SafetensorsReader(folder), recurrent_name_map());
}

void save_recurrent(const Recurrent& model, const fs::path& folder, const SpecialIds& ids) {
  json config = {{"model_type", kModelType},
                 {"architectures", {"ZooRecurrent"}},
                 {"is_encoder_decoder", true},
                 {"vocab_size", model->options.source_vocab_size},
                 {"decoder_vocab_size", model->options.vocab_size},
                 {"dtype", config_dtype(model->source_embedding->weight.scalar_type())},
                 {"zoo", options_to_json(model->options)}};
  put_special_ids(ids, config);
  write_file(folder / "config.json", config.dump(2) + "\n");
  write_safetensors(folder / "model.safetensors", export_named(*model, recurrent_name_map()));
}

}  // namespace zoo
