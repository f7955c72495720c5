#include "train/vision/image_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <any>
#include <map>
#include <stdexcept>
#include <type_traits>

#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/cost/vision_cost.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "train/program/table.h"
#include "train/program/usage.h"

namespace zoo {
namespace {

/// Every field of `to` that `from` has under the same name and `wanted` says yes to.
template <class From, class To, class Wanted>
void copy_fields(From& from, To& to, Wanted&& wanted) {
  std::map<std::string, std::any, std::less<>> fields;
  visit(from, [&](std::string_view name, auto& field, const std::string&) {
    fields.emplace(name, &field);
  });
  visit(to, [&](std::string_view name, auto& field, const std::string&) {
    const auto found = fields.find(name);
    if (found == fields.end() || !wanted(name)) return;
    field = *std::any_cast<std::remove_reference_t<decltype(field)>*>(found->second);
  });
}

constexpr auto kAll = [](std::string_view) { return true; };

template <class Options>
Options options_as(ImageModelOptions from) {
  Options options;
  copy_fields(from, options, kAll);
  return options;
}

template <class Options>
ImageModelOptions all_options(std::string_view kind, Options from) {
  ImageModelOptions options{.kind = std::string(kind)};
  copy_fields(from, options, kAll);
  return options;
}

template <class Options>
Options resolved_own(Options options) {
  if constexpr (requires { resolved(options); }) return resolved(options);
  if (options.image_width == 0) options.image_width = options.image_size;
  return options;
}

template <class Options>
std::vector<std::string> names_of() {
  std::vector<std::string> names = {"architecture"};
  Options options;
  visit(options,
        [&](std::string_view name, auto&, const std::string&) { names.emplace_back(name); });
  return names;
}

/// `Module`: the holder of the model that Options describe. The names on disk are ours.
template <class Options, class Module>
ImageModel row(std::string_view name) {
  using Impl = typename Module::ContainedType;
  ImageModel model{.name = name, .options = names_of<Options>()};
  model.defaults = [name] { return all_options(name, Options()); };
  model.attends = requires(Options o) { o.attention; };
  model.check = [](const ImageModelOptions& o) { check(options_as<Options>(o)); };
  model.resolved = [name](const ImageModelOptions& o) {
    return all_options(name, resolved_own(options_as<Options>(o)));
  };
  model.cost = [](const ImageModelOptions& o) { return cost_of(options_as<Options>(o)); };
  model.make = [](const ImageModelOptions& o, int64_t classes) {
    auto own = options_as<Options>(o);
    own.classes = classes;
    return Module(own).ptr();
  };
  model.options_of = [name](const ImageClassifier& made) -> std::optional<ImageModelOptions> {
    const auto* own = dynamic_cast<const Impl*>(&made);
    if (own == nullptr) return std::nullopt;
    return all_options(name, own->options);
  };
  model.names_on_disk = [name](const ImageModelOptions&) {
    return NameMap{.family = std::string(name), .rows = {}};
  };
  return model;
}

ImageModel vit_row() {
  ImageModel vit = row<VitOptions, Vit>("vit");
  vit.names_on_disk = [](const ImageModelOptions& o) { return vit_name_map(resolved(o.vit)); };
  return vit;
}

ImageModelOptions vit(const VitOptions& o) { return all_options("vit", o); }
ImageModelOptions cct(const CctOptions& o) { return all_options("cct", o); }
ImageModelOptions cnn(const CnnOptions& o) { return all_options("cnn", o); }

}  // namespace

const std::vector<ImageModel>& image_models() {
  static const std::vector<ImageModel> table = {
      vit_row(), row<CctOptions, Cct>("cct"), row<CnnOptions, Cnn>("cnn"),
      row<LinearClassifierOptions, LinearClassifier>("linear")};
  return table;
}

std::string image_model_names() { return names_in(image_models()); }

const ImageModel& find_image_model(std::string_view name) {
  return find_row(image_models(), "architecture", name);
}

ImageModelOptions image_model_preset(std::string_view name) {
  static const std::pair<std::string_view, ImageModelOptions (*)()> presets[] = {
      {"pixels28", [] { return vit(VitOptions::pixels28()); }},
      {"pixels32", [] { return vit(VitOptions::pixels32()); }},
      {"tiny16", [] { return vit(VitOptions::tiny16()); }},
      {"small16", [] { return vit(VitOptions::small16()); }},
      {"base16", [] { return vit(VitOptions::base16()); }},
      {"base32", [] { return vit(VitOptions::base32()); }},
      {"large16", [] { return vit(VitOptions::large16()); }},
      {"huge14", [] { return vit(VitOptions::huge14()); }},
      {"deit-tiny", [] { return vit(VitOptions::deit_tiny()); }},
      {"deit-small", [] { return vit(VitOptions::deit_small()); }},
      {"deit-base", [] { return vit(VitOptions::deit_base()); }},
      {"cct-2-3x2", [] { return cct(CctOptions::cct_2_3x2()); }},
      {"cct-7-3x1", [] { return cct(CctOptions::cct_7_3x1()); }},
      {"resnet8", [] { return cnn(CnnOptions::resnet8()); }},
      {"resnet20", [] { return cnn(CnnOptions::resnet20()); }},
      {"resnet56", [] { return cnn(CnnOptions::resnet56()); }}};
  return find_preset(presets, name);
}

void settle_kind(ImageModelOptions& options, const TrainCommand& command) {
  const ImageModel& model = find_image_model(options.kind);
  const auto has = [&](std::string_view name) {
    return std::find(model.options.begin(), model.options.end(), name) != model.options.end();
  };
  std::vector<std::string> lacking;
  visit(options, [&](std::string_view name, auto&, const std::string&) {
    if (!has(name)) lacking.emplace_back(name);
  });
  refuse_changed(command, {lacking.begin(), lacking.end()},
                 fmt::format("to --architecture {}", options.kind));
  if (!command.preset.empty() || !command.source().empty()) return;
  ImageModelOptions defaults = model.defaults();
  copy_fields(defaults, options,
              [&](std::string_view name) { return has(name) && !command.has(name); });
}

ImageModelOptions resolved(const ImageModelOptions& options) {
  return find_image_model(options.kind).resolved(options);
}

ImageModelOptions options_of(const ImageClassifier& model) {
  for (const auto& row : image_models())
    if (const auto options = row.options_of(model)) return *options;
  throw std::invalid_argument("options_of: an unknown kind of model");
}

}  // namespace zoo
