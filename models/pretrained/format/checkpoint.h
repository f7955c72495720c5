// Checkpoint folders in and out: one way for every family. What the families differ in is a Format:
//
//   struct XFormat : CheckpointFormat<X, XConfig> {
//     // What config.json says, and the reverse.
//     static XConfig from_json(const nlohmann::json& config);
//     static nlohmann::json to_json(const XConfig& config, const std::string& dtype);
//     // Our parameters' names and those on disk.
//     static NameMap names(const XOptions& options);
//     // A file smaller than this many bytes cannot hold the model.
//     static ModelCost cost(const XOptions& options);
//   };
//
// Where the names depend on more than the options, a Format also has
//     static NameMap names_in(const XOptions&, const XConfig&, const SafetensorsReader&,
//                             bool head_optional);
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "models/cost/cost.h"
#include "models/pretrained/format/checkpoint_config.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/name_map.h"

namespace zoo {

/// What most families have in common; a Format hides what it does in its own way.
template <class Model_, class Config_>
struct CheckpointFormat {
  using Model = Model_;  // a module holder
  using Module = typename Model::ContainedType;
  using Config = Config_;
  using Options = typename Config::Options;

  /// What config.json of a model with these options says.
  static Config config_of(const Options& options) {
    return {.options = options, .layout = layout_of(options)};
  }
  /// Why Python will not open such a checkpoint; empty where it will.
  static std::string note(const Options& options) { return layout_note(options); }
  /// The options that name an attention kernel.
  static std::vector<std::string*> kernels(Options& options) {
    if constexpr (requires { options.attention; }) return {&options.attention};
    return {};
  }
  /// Takes from the file what config.json leaves open: whether weights are tied, which heads there
  /// are.
  static void settle(Options&, const Config&, const SafetensorsReader&) {}
  /// Takes over what is no parameter.
  static void finish(Module&, const SafetensorsReader&) {}
};

/// Of families that score words, by the token embedding or by an output layer of its own, which
/// classes of the reference may lack. A Format gives `static NameMap name_map(Layout, const
/// Options&, bool head_optional)` instead of names().
template <class Format, class Model, class Config>
struct LanguageModelFormat : CheckpointFormat<Model, Config> {
  using Options = typename Config::Options;
  static NameMap names(const Options& options) {
    return Format::name_map(layout_of(options), options, /*head_optional=*/false);
  }
  static NameMap names_in(const Options& options, const Config& config,
                          const SafetensorsReader& reader, bool head_optional) {
    return Format::name_map(
        config.layout, options,
        lacks_output_layer(config.has_head, options.tie_embeddings, reader, head_optional));
  }
  /// An output layer of other values than the embedding's is one of its own, whatever config.json
  /// says of it.
  static void settle(Options& options, const Config& config, const SafetensorsReader& reader) {
    const NameMap names = Format::name_map(config.layout, options, /*head_optional=*/false);
    if (differs_from_original(reader, names, "lm_head.weight")) options.tie_embeddings = false;
  }
};

/// Reads config.json of a folder. Throws std::runtime_error with one line that begins with its
/// path.
template <class Format>
typename Format::Config read_checkpoint_config(const std::filesystem::path& folder) {
  typename Format::Config result;
  read_config(folder, [&](const nlohmann::json& json) { result = Format::from_json(json); });
  return result;
}

/// The folder's weights into a module with their options. Throws std::runtime_error with one line.
template <class Format>
void load_checkpoint_weights(typename Format::Module& module, const SafetensorsReader& reader,
                             const typename Format::Config& config, bool head_optional) {
  if constexpr (requires { Format::names_in(module.options, config, reader, head_optional); })
    load_named(module, reader, Format::names_in(module.options, config, reader, head_optional));
  else
    load_named(module, reader, Format::names(module.options));
  Format::finish(module, reader);
}
template <class Format>
void load_checkpoint_weights(typename Format::Module& module, const std::filesystem::path& folder) {
  load_checkpoint_weights<Format>(module, SafetensorsReader(folder),
                                  read_checkpoint_config<Format>(folder), /*head_optional=*/false);
}

/// The model that `config` describes with the folder's weights, in evaluation mode. Throws
/// std::runtime_error with one line.
template <class Format>
typename Format::Model load_checkpoint(const std::filesystem::path& folder,
                                       const typename Format::Config& config,
                                       const LoadModelOptions& load) {
  auto options = config.options;
  for (std::string* kernel : Format::kernels(options))
    *kernel = settled_kernel(load.attention, *kernel, load.device);
  const SafetensorsReader reader(folder);
  const ModelCost cost = from_config(folder, [&] { return Format::cost(options); });
  check_claim(cost.parameters - cost.output_parameters, reader);
  from_config(folder, [&] { Format::settle(options, config, reader); });
  auto model = build_model<typename Format::Model>(options, folder);
  model->to(load.device, load.dtype);
  load_checkpoint_weights<Format>(*model, reader, config, load.head_optional);
  model->eval();
  return model;
}
template <class Format>
typename Format::Model load_checkpoint(const std::filesystem::path& folder,
                                       const LoadModelOptions& load) {
  return load_checkpoint<Format>(folder, read_checkpoint_config<Format>(folder), load);
}

/// Writes config.json and model.safetensors into an existing folder.
template <class Format>
void save_checkpoint(const typename Format::Module& module, const std::filesystem::path& folder,
                     const SaveModelOptions& save) {
  auto config = Format::config_of(module.options);
  config.ids = save.ids;
  config.labels = save.labels;
  const auto dtype = config_dtype(module.parameters().front().scalar_type());
  write_checkpoint(folder, Format::to_json(config, dtype), module, Format::names(module.options));
}

}  // namespace zoo
