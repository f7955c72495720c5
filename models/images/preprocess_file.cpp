// preprocessor_config.json: reading, with the older forms that are still about, and writing.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app/files.h"
#include "models/images/preprocess.h"
#include "models/pretrained/options_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kFile = "preprocessor_config.json";
constexpr int kLongestSide = 10'000;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

template <class T>
void take(const json& config, const std::string& key, T& field) {
  const auto found = config.find(key);
  if (found != config.end() && !found->is_null()) field = json_value<T>(*found, key);
}

int side(const json& value, const std::string& key) {
  const auto pixels = json_value<int64_t>(value, key);
  if (pixels < 1 || pixels > kLongestSide)
    fail(fmt::format("\"{}\" must be from 1 to {}, got {}", key, kLongestSide, pixels));
  return static_cast<int>(pixels);
}

/// {"height": h, "width": w}, or one number for both.
void take_height_and_width(const json& value, const std::string& key, int& height, int& width) {
  if (value.is_object() && value.contains("height") && value.contains("width")) {
    height = side(value["height"], "height");
    width = side(value["width"], "width");
  } else if (value.is_number()) {
    height = width = side(value, key);
  } else {
    fail(fmt::format("\"{}\" must have height and width, got {}", key, json_text(value)));
  }
}

void take_size(const json& config, ImagePreprocessing& o) {
  const auto found = config.find("size");
  if (found == config.end() || found->is_null()) return;
  const bool is_object = found->is_object();
  if (is_object && found->contains("longest_edge"))
    fail("\"size\" has a longest_edge, which the zoo does not know");
  // Files older than the objects: CLIP's number is the shortest edge.
  const bool old_clip = found->is_number() && o.processor == ImageProcessor::kClip;
  o.shortest_edge = 0;
  if (old_clip || (is_object && found->contains("shortest_edge"))) {
    o.shortest_edge = side(old_clip ? *found : (*found)["shortest_edge"], "shortest_edge");
  } else {
    take_height_and_width(*found, "size", o.height, o.width);
  }
}

void take_resample(const json& config, Resample& resample) {
  int64_t number = static_cast<int64_t>(resample);
  take(config, "resample", number);
  if (number < 0 || number > static_cast<int64_t>(Resample::kHamming))
    fail(fmt::format("\"resample\" must be from 0 to 5, one of PIL's filters, got {}", number));
  resample = static_cast<Resample>(number);
}

void take_channels(const json& config, const std::string& key, std::vector<double>& field) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return;
  const json list = found->is_array() ? *found : json::array({*found});
  if (list.size() != 1 && list.size() != 3)
    fail(fmt::format("\"{}\" must have 1 or 3 values, got {}", key, list.size()));
  field.clear();
  for (const json& value : list) {
    field.push_back(json_value<double>(value, key));
    if (!std::isfinite(field.back())) fail(fmt::format("\"{}\" must have finite values", key));
  }
}

ImageProcessor processor_of(const json& config) {
  std::string name{name_of(ImageProcessor::kVit)};
  for (const char* key : {"feature_extractor_type", "image_processor_type"})
    take(config, key, name);
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

ImagePreprocessing from_json(const json& config) {
  if (!config.is_object()) fail("not a JSON object");
  auto o = default_preprocessing(processor_of(config));
  bool pad = false;
  take(config, "do_pad", pad);
  if (pad) fail("\"do_pad\" is true, which the zoo's preprocessing does not have");
  take(config, "do_resize", o.resize);
  take(config, "do_center_crop", o.center_crop);
  take(config, "do_rescale", o.rescale);
  take(config, "do_normalize", o.normalize);
  take(config, "rescale_factor", o.rescale_factor);
  if (!std::isfinite(o.rescale_factor)) fail("\"rescale_factor\" must be finite");
  take_size(config, o);
  take_resample(config, o.resample);
  if (const auto crop = config.find("crop_size"); crop != config.end() && !crop->is_null())
    take_height_and_width(*crop, "crop_size", o.crop_height, o.crop_width);
  take_channels(config, "image_mean", o.mean);
  take_channels(config, "image_std", o.std);
  for (const double value : o.std) {
    if (value <= 0.0) fail(fmt::format("\"image_std\" must be positive, got {}", value));
  }
  return o;
}

json to_json(const ImagePreprocessing& o) {
  json config = {{"image_processor_type", name_of(o.processor)},
                 {"do_resize", o.resize},
                 {"size", {{"height", o.height}, {"width", o.width}}},
                 {"resample", static_cast<int>(o.resample)},
                 {"do_center_crop", o.center_crop},
                 {"crop_size", {{"height", o.crop_height}, {"width", o.crop_width}}},
                 {"do_rescale", o.rescale},
                 {"rescale_factor", o.rescale_factor},
                 {"do_normalize", o.normalize},
                 {"image_mean", o.mean},
                 {"image_std", o.std}};
  if (o.shortest_edge > 0) config["size"] = {{"shortest_edge", o.shortest_edge}};
  // A grey picture would get three channels, for which such a model has no weights.
  config["do_convert_rgb"] = o.mean.size() == 3;
  return config;
}

}  // namespace

ImagePreprocessing default_preprocessing(ImageProcessor processor) {
  ImagePreprocessing o{.processor = processor};
  if (processor == ImageProcessor::kVit) return o;
  o.center_crop = true;
  o.resample = Resample::kBicubic;
  if (processor == ImageProcessor::kDeit) {
    o.height = o.width = 256;
  } else {
    o.shortest_edge = 224;
    o.mean = {0.48145466, 0.4578275, 0.40821073};
    o.std = {0.26862954, 0.26130258, 0.27577711};
  }
  return o;
}

ImagePreprocessing read_preprocessing(const fs::path& folder) {
  const fs::path path = folder / kFile;
  const json config = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  try {
    if (config.is_discarded()) fail("not JSON");
    return from_json(config);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

void write_preprocessing(const ImagePreprocessing& options, const fs::path& folder) {
  write_file(folder / kFile, to_json(options).dump(2) + "\n");
}

}  // namespace zoo
