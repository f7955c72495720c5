// Reading preprocessor_config.json and processor_config.json, with older forms, and writing.
// models/pretrained/README.md lists the keys.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/files.h"
#include "models/images/preprocess.h"
#include "models/pretrained/format/options_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kFile = "preprocessor_config.json";
/// transformers 5: one file for a processor, with the image processor inside.
constexpr const char* kWholeFile = "processor_config.json";
constexpr const char* kPart = "image_processor";
constexpr int kLongestSide = 10'000;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

/// The value of a key; nullptr if it is missing or null.
const json* given(const json& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

/// Reads a flag; a missing key leaves it unchanged. Null means false, as in the reference.
void take_flag(const json& config, const std::string& key, bool& flag) {
  if (config.contains(key)) flag = given(config, key) && json_value<bool>(config[key], key);
}

/// A value that a step needs: null is an error, as in the reference.
bool is_given(const json& config, const std::string& key, bool needed) {
  if (given(config, key) != nullptr) return true;
  if (needed && config.contains(key))
    fail(fmt::format("\"{}\" is null, but its step is enabled", key));
  return false;
}

int side(const json& value, const std::string& key) {
  const auto pixels = json_value<int64_t>(value, key);
  if (pixels < 1 || pixels > kLongestSide)
    fail(fmt::format("\"{}\" must be from 1 to {}, got {}", key, kLongestSide, pixels));
  return static_cast<int>(pixels);
}

using Sizes = std::map<std::string, int>;

/// A size in any form of the reference: a number, [height, width] or an object.
Sizes sizes_in(const json& value, const std::string& key, bool square) {
  if (value.is_number()) {
    const int edge = side(value, key);
    return square ? Sizes{{"height", edge}, {"width", edge}} : Sizes{{"shortest_edge", edge}};
  }
  if (value.is_array() && value.size() == 2)
    return {{"height", side(value[0], key)}, {"width", side(value[1], key)}};
  Sizes sizes;
  std::set<std::string> names;
  if (value.is_object()) {
    for (const auto& [name, edge] : value.items()) {
      names.insert(name);
      if (!edge.is_null()) sizes[name] = side(edge, name);
    }
  }
  using Names = std::set<std::string>;
  static const std::vector<Names> kKnown = {
      {"height", "width"}, {"shortest_edge"},           {"shortest_edge", "longest_edge"},
      {"longest_edge"},    {"max_height", "max_width"}, {"min_pixels", "max_pixels"}};
  if (std::ranges::find(kKnown, names) == kKnown.end()) {
    fail(
        fmt::format("\"{}\" must be a number, [height, width], or an object with height and width, "
                    "with shortest_edge, or with max_height and max_width; got {}",
                    key, json_text(value)));
  }
  return sizes;
}

/// Reads height and width; other forms of a size are errors.
void take_sides(const Sizes& sizes, const std::string& key, int& height, int& width) {
  if (!sizes.contains("height") || !sizes.contains("width"))
    fail(fmt::format("\"{}\" must have height and width", key));
  height = sizes.at("height");
  width = sizes.at("width");
}

void take_size(const json& config, ImagePreprocessing& o) {
  // Of the others a number is the shortest edge.
  bool square = o.processor == ImageProcessor::kVit || o.processor == ImageProcessor::kDeit;
  bool square_size = false;
  take_flag(config, "default_to_square", square);
  take_flag(config, "use_square_size", square_size);  // KOSMOS-2's key
  if (square_size && o.processor == ImageProcessor::kClip) {
    o.shortest_edge = 0;
    return;
  }
  if (is_given(config, "size", o.resize)) {
    const Sizes sizes = sizes_in(config["size"], "size", square);
    const auto of = [&](const char* name) { return sizes.contains(name) ? sizes.at(name) : 0; };
    o.shortest_edge = of("shortest_edge");
    o.longest_edge = o.shortest_edge > 0 ? of("longest_edge") : 0;
    o.max_height = of("max_height");
    o.max_width = of("max_width");
    const bool in_proportion = o.shortest_edge > 0 || (o.max_height > 0 && o.max_width > 0);
    if (o.resize && !in_proportion) take_sides(sizes, "size", o.height, o.width);
  }
}

void take_crop(const json& config, ImagePreprocessing& o) {
  take_flag(config, "do_center_crop", o.center_crop);
  if (is_given(config, "crop_size", o.center_crop)) {
    const Sizes sizes = sizes_in(config["crop_size"], "crop_size", true);
    if (o.center_crop) take_sides(sizes, "crop_size", o.crop_height, o.crop_width);
  }
  if (o.center_crop && o.crop_height == 0)
    fail("\"do_center_crop\" is true, but there is no \"crop_size\"");
}

/// Without a size, a batch is padded to its largest picture: a single picture is unchanged.
void take_padding(const json& config, ImagePreprocessing& o) {
  bool pad = false;
  take_flag(config, "do_pad", pad);
  const json* value = given(config, "pad_size");
  if (value == nullptr) return;
  const Sizes sizes = sizes_in(*value, "pad_size", true);
  if (pad) take_sides(sizes, "pad_size", o.pad_height, o.pad_width);
}

void take_resample(const json& config, ImagePreprocessing& o) {
  if (!is_given(config, "resample", o.resize)) return;
  const auto number = json_value<int64_t>(config["resample"], "resample");
  if (number < 0 || number > static_cast<int64_t>(Resample::kMagic2021))
    fail(fmt::format("\"resample\" must be from 0 to 7, one of PIL's filters, got {}", number));
  o.resample = static_cast<Resample>(number);
}

void take_rescaling(const json& config, ImagePreprocessing& o) {
  take_flag(config, "do_rescale", o.rescale);
  if (is_given(config, "rescale_factor", o.rescale))
    o.rescale_factor = json_value<double>(config["rescale_factor"], "rescale_factor");
  if (!std::isfinite(o.rescale_factor)) fail("\"rescale_factor\" must be finite");
}

/// A number for each channel, or one for all.
void take_channels(const json& config, const std::string& key, bool needed,
                   std::vector<double>& field) {
  if (!is_given(config, key, needed)) return;
  const json list = config[key].is_array() ? config[key] : json::array({config[key]});
  if (list.size() != 1 && list.size() != 3)
    fail(fmt::format("\"{}\" must have 1 or 3 values, got {}", key, list.size()));
  field.clear();
  for (const json& value : list) {
    field.push_back(json_value<double>(value, key));
    if (!std::isfinite(field.back())) fail(fmt::format("\"{}\" must have finite values", key));
  }
}

void take_normalisation(const json& config, ImagePreprocessing& o) {
  take_flag(config, "do_normalize", o.normalize);
  take_channels(config, "image_mean", o.normalize, o.mean);
  take_channels(config, "image_std", o.normalize, o.std);
  for (const double value : o.std) {
    if (value <= 0.0) fail(fmt::format("\"image_std\" must be positive, got {}", value));
  }
}

/// "ViTFeatureExtractor", "ViTImageProcessorFast", ...: older and newer names for the same
/// processor.
ImageProcessor processor_named(std::string name) {
  for (const std::string_view form : {"Fast", "Pil"}) {
    if (name.ends_with(form)) name.resize(name.size() - form.size());
  }
  if (constexpr std::string_view kOld = "FeatureExtractor"; name.ends_with(kOld))
    name = name.substr(0, name.size() - kOld.size()) + "ImageProcessor";
  try {
    return parse_enum<ImageProcessor>(name.substr(0, 60));
  } catch (const std::invalid_argument& error) {
    fail(error.what());
  }
}

void take_name(const json& config, const std::string& key, std::string& name) {
  if (const json* value = given(config, key)) name = json_value<std::string>(*value, key);
}

/// The processor by the model, if the file names none.
ImageProcessor processor_of_model(const fs::path& folder) {
  json model = json::object();
  if (const fs::path path = folder / "config.json"; fs::exists(path))
    model = json::parse(read_file(path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  std::string name, type;
  if (model.is_object()) {
    take_name(model, "image_processor_type", name);
    take_name(model, "model_type", type);
  }
  if (!name.empty()) return processor_named(name);
  if (type.starts_with("clip") || type == "zoo_clip") return ImageProcessor::kClip;
  if (type == "deit") return ImageProcessor::kDeit;
  if (type == "dinov2") return ImageProcessor::kBit;
  if (type == "siglip") return ImageProcessor::kSiglip;
  if (type == "vit" || type.starts_with("zoo_")) return ImageProcessor::kVit;
  fail("it names no \"image_processor_type\", and config.json no model that has one");
}

ImageProcessor processor_of(const json& config, const fs::path& folder) {
  std::string name;
  for (const char* key : {"feature_extractor_type", "image_processor_type"})
    take_name(config, key, name);
  return name.empty() ? processor_of_model(folder) : processor_named(name);
}

ImagePreprocessing from_json(const json& config, const fs::path& folder) {
  if (!config.is_object()) fail("not a JSON object");
  auto o = default_preprocessing(processor_of(config, folder));
  take_flag(config, "do_resize", o.resize);
  take_size(config, o);
  take_resample(config, o);
  take_crop(config, o);
  take_rescaling(config, o);
  take_normalisation(config, o);
  take_padding(config, o);
  return o;
}

/// A file's JSON; an error if it is not JSON.
json parsed(const fs::path& path) {
  json content = json::parse(read_file(path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  if (content.is_discarded()) throw std::runtime_error(path.string() + ": not JSON");
  return content;
}

bool has_part(const json& whole) { return whole.is_object() && given(whole, kPart) != nullptr; }

json size_json(const ImagePreprocessing& o) {
  if (o.longest_edge > 0)
    return {{"shortest_edge", o.shortest_edge}, {"longest_edge", o.longest_edge}};
  if (o.shortest_edge > 0) return {{"shortest_edge", o.shortest_edge}};
  if (o.max_height > 0) return {{"max_height", o.max_height}, {"max_width", o.max_width}};
  return {{"height", o.height}, {"width", o.width}};
}

json to_json(const ImagePreprocessing& o) {
  json config = {{"image_processor_type", name_of(o.processor)},
                 {"do_resize", o.resize},
                 {"size", size_json(o)},
                 {"resample", static_cast<int>(o.resample)},
                 {"do_center_crop", o.center_crop},
                 {"do_rescale", o.rescale},
                 {"rescale_factor", o.rescale_factor},
                 {"do_normalize", o.normalize},
                 {"image_mean", o.mean},
                 {"image_std", o.std}};
  if (o.crop_height > 0) config["crop_size"] = {{"height", o.crop_height}, {"width", o.crop_width}};
  if (o.pad_height > 0) {
    config["do_pad"] = true;
    config["pad_size"] = {{"height", o.pad_height}, {"width", o.pad_width}};
  }
  // The reference would give a grey picture three channels, for which such a model has no weights.
  config["do_convert_rgb"] = o.mean.size() == 3;
  return config;
}

}  // namespace

ImagePreprocessing default_preprocessing(ImageProcessor processor) {
  ImagePreprocessing o{.processor = processor};
  if (processor == ImageProcessor::kVit) return o;
  o.resample = Resample::kBicubic;
  if (processor == ImageProcessor::kSiglip) return o;
  o.center_crop = true;
  o.crop_height = o.crop_width = 224;
  if (processor == ImageProcessor::kDeit) {
    o.height = o.width = 256;
  } else {
    o.shortest_edge = 224;
    o.mean = {0.48145466, 0.4578275, 0.40821073};
    o.std = {0.26862954, 0.26130258, 0.27577711};
  }
  return o;
}

std::optional<fs::path> preprocessing_file(const fs::path& folder) {
  const fs::path whole = folder / kWholeFile, part = folder / kFile;
  if (fs::exists(whole) && has_part(parsed(whole))) return whole;
  if (fs::exists(part)) return part;
  return std::nullopt;
}

ImagePreprocessing read_preprocessing(const fs::path& folder) {
  const auto path = preprocessing_file(folder);
  if (!path) {
    fail(fmt::format("{}: it lacks {} (or {} with an {}), which says how pictures are prepared",
                     folder.string(), kFile, kWholeFile, kPart));
  }
  const json content = parsed(*path);
  try {
    return from_json(path->filename() == kWholeFile ? content[kPart] : content, folder);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", path->string(), error.what()));
  }
}

void write_preprocessing(const ImagePreprocessing& options, const fs::path& folder) {
  write_file(folder / kFile, to_json(options).dump(2) + "\n");
}

}  // namespace zoo
