#include "train/vision/image_model.h"

#include <fmt/format.h>
#include <any>
#include <map>
#include <set>
#include <stdexcept>
#include <type_traits>

#include "base/option_checks.h"
#include "base/usage_error.h"
#include "train/program/setup.h"

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
ImageModelOptions all_options(ImageModelKind kind, Options from) {
  ImageModelOptions options{.kind = kind};
  copy_fields(from, options, kAll);
  return options;
}

ImageModelOptions vit(const VitOptions& o) { return all_options(ImageModelKind::kVit, o); }
ImageModelOptions cct(const CctOptions& o) { return all_options(ImageModelKind::kCct, o); }
ImageModelOptions cnn(const CnnOptions& o) { return all_options(ImageModelKind::kCnn, o); }

/// Calls f with an options struct of the kind, with its usual values.
template <class F>
auto with_kind(ImageModelKind kind, F&& f) {
  switch (kind) {
    case ImageModelKind::kCct:
      return f(CctOptions());
    case ImageModelKind::kCnn:
      return f(CnnOptions());
    case ImageModelKind::kLinear:
      return f(LinearClassifierOptions());
    case ImageModelKind::kVit:
      break;
  }
  return f(VitOptions());
}

template <class Options>
std::set<std::string, std::less<>> names_of(Options options) {
  std::set<std::string, std::less<>> names = {"model"};
  visit(options, [&](std::string_view name, auto&, const std::string&) { names.emplace(name); });
  return names;
}

}  // namespace

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
  with_kind(options.kind, [&](auto usual) {
    const auto known = names_of(usual);
    ImageModelOptions otherwise;
    visit_both(options, otherwise, [&](std::string_view name, const auto& value, const auto& dull) {
      if (known.contains(name) || !command.has(name) || value == dull) return;
      throw UsageError(fmt::format("--{} means nothing to --model {}; leave it out", name,
                                   name_of(options.kind)));
    });
    if (command.preset.empty() && command.source().empty())
      copy_fields(usual, options, [&](std::string_view name) { return !command.has(name); });
  });
}

void check(const ImageModelOptions& options) {
  with_kind(options.kind, [&](auto usual) { check(options_as<decltype(usual)>(options)); });
}

std::shared_ptr<ImageClassifier> make_image_model(const ImageModelOptions& options,
                                                  int64_t classes) {
  const auto with_classes = [&](auto own) {
    own.classes = classes;
    return own;
  };
  switch (options.kind) {
    case ImageModelKind::kCct:
      return Cct(with_classes(options_as<CctOptions>(options))).ptr();
    case ImageModelKind::kCnn:
      return Cnn(with_classes(options_as<CnnOptions>(options))).ptr();
    case ImageModelKind::kLinear:
      return LinearClassifier(with_classes(options_as<LinearClassifierOptions>(options))).ptr();
    case ImageModelKind::kVit:
      break;
  }
  return Vit(with_classes(options.vit)).ptr();
}

ImageModelOptions options_of(const ImageClassifier& model) {
  if (const auto* v = dynamic_cast<const VitImpl*>(&model)) return vit(v->options);
  if (const auto* c = dynamic_cast<const CctImpl*>(&model)) return cct(c->options);
  if (const auto* c = dynamic_cast<const CnnImpl*>(&model)) return cnn(c->options);
  if (const auto* l = dynamic_cast<const LinearClassifierImpl*>(&model))
    return all_options(ImageModelKind::kLinear, l->options);
  throw std::invalid_argument("options_of: an unknown kind of model");
}

}  // namespace zoo
