// Opens files, folders and shards, and hands out tensors without copying.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/throw_error.h"

#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// The format is little-endian; a big-endian machine would need its bytes swapped on the way.
static_assert(std::endian::native == std::endian::little, "safetensors: little-endian only");

/// What to say about a folder without safetensors.
[[noreturn]] void fail_without_weights(const fs::path& folder) {
  const std::string name = folder.string();
  if (fs::exists(folder / "pytorch_model.bin")) {
    throw_error(
        "{0}: holds pytorch_model.bin, and this program reads safetensors; convert it with: "
        "python3 "
        "-c 'import torch, safetensors.torch as s; s.save_file({{k: v.clone().contiguous() for k, "
        "v "
        "in torch.load(\"{0}/pytorch_model.bin\", map_location=\"cpu\", "
        "weights_only=True).items()}}, "
        "\"{0}/model.safetensors\", {{\"format\": \"pt\"}})'",
        name);
  }
  if (fs::exists(folder / "pytorch_model.bin.index.json")) {
    throw_error(
        "{0}: holds a sharded pytorch_model.bin, and this program reads safetensors; convert it "
        "with: python3 -c 'from transformers import AutoModelForCausalLM as M; "
        "M.from_pretrained(\"{0}\").save_pretrained(\"{0}\")'",
        name);
  }
  throw_error(
      "{}: holds no model.safetensors and no model.safetensors.index.json: not a checkpoint", name);
}

nlohmann::json read_json(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw_error("cannot read {}: {}", path.string(), std::strerror(errno));
  auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw_error("{}: not JSON", path.string());
  return json;
}

/// torch reads a truth value's byte as it is, and any but 0 and 1 would be undefined behaviour.
void check_truth_values(const std::byte* bytes, uint64_t count, const std::string& who) {
  const auto* bad =
      std::find_if(bytes, bytes + count, [](std::byte b) { return b > std::byte{1}; });
  if (bad != bytes + count) throw_error("{}: a BOOL is neither 0 nor 1 but {}", who, int(*bad));
}

}  // namespace

SafetensorsReader::SafetensorsReader(const fs::path& path) : path_(path) {
  if (fs::is_directory(path)) {
    open_folder();
  } else {
    open_file(path);
  }
}

void SafetensorsReader::open_folder() {
  const fs::path single = path_ / "model.safetensors";
  const fs::path index = path_ / "model.safetensors.index.json";
  if (fs::exists(single)) return open_file(single);
  if (fs::exists(index)) return open_index(index);
  fail_without_weights(path_);
}

void SafetensorsReader::open_index(const fs::path& index) {
  const auto json = read_json(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw_error("{}: has no \"weight_map\" object", index.string());
  }
  std::set<std::string> files;
  for (const auto& [name, value] : json["weight_map"].items()) {
    // A plain name only: an index that came from elsewhere must not reach outside its folder.
    const auto file = value.is_string() ? value.get<std::string>() : std::string();
    const bool plain = !file.empty() && file != "." && file != ".." &&
                       file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain) {
      throw_error("{}: tensor {} must name a file of the same folder, not {}", index.string(),
                  in_quotes(name), value.is_string() ? in_quotes(file) : value.type_name());
    }
    files.insert(file);
  }
  if (files.empty()) throw_error("{}: its \"weight_map\" is empty", index.string());
  for (const auto& file : files) open_file(path_ / file);
  for (const auto& [name, value] : json["weight_map"].items()) {
    const auto found = places_.find(name);
    const auto file = value.get<std::string>();
    if (found == places_.end() || shards_[found->second.shard].path.filename() != file) {
      throw_error("{}: tensor {} is not in {}", index.string(), in_quotes(name), in_quotes(file));
    }
  }
}

void SafetensorsReader::open_file(const fs::path& file) {
  Shard shard{
      .path = file, .file = std::make_shared<MappedFile>(file), .data = nullptr, .metadata = {}};
  const uint64_t size = shard.file->size();
  const std::string who = file.string();
  if (size < 8) throw_error("{}: {} bytes are too few for a safetensors file", who, size);
  uint64_t length = 0;
  std::memcpy(&length, shard.file->data(), sizeof length);
  if (length > kLongestSafetensorsHeader) {
    throw_error(
        "{}: its first 8 bytes give a header of {} bytes, more than the format's {}: not a "
        "safetensors file",
        who, length, kLongestSafetensorsHeader);
  }
  if (length > size - 8) {
    throw_error(
        "{}: a header of {} bytes does not fit in a file of {}: truncated, or not a safetensors "
        "file",
        who, length, size);
  }
  const std::string_view json(reinterpret_cast<const char*>(shard.file->data()) + 8, length);
  SafetensorsHeader header;
  try {
    header = parse_safetensors_header(json, size - 8 - length);
  } catch (const std::runtime_error& error) {
    throw_error("{}: {}", who, error.what());
  }
  shard.data = shard.file->data() + 8 + length;
  shard.metadata = std::move(header.metadata);
  for (auto& entry : header.tensors) {
    const auto [found, added] = places_.try_emplace(entry.name, Place{shards_.size(), entry});
    if (!added) {
      throw_error("{}: tensor {} stands in {} too", who, in_quotes(entry.name),
                  shards_[found->second.shard].path.filename().string());
    }
  }
  shards_.push_back(std::move(shard));
}

std::vector<std::string> SafetensorsReader::names() const {
  std::vector<std::string> names;
  names.reserve(places_.size());
  for (const auto& [name, place] : places_) names.push_back(name);
  return names;
}

const SafetensorsReader::Place& SafetensorsReader::place(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) throw_error("{}: has no tensor {}", path_.string(), in_quotes(name));
  return found->second;
}

const TensorEntry& SafetensorsReader::entry(const std::string& name) const {
  return place(name).entry;
}

torch::Tensor SafetensorsReader::tensor(const std::string& name) const {
  const auto& [shard_index, entry] = place(name);
  const Shard& shard = shards_[shard_index];
  const auto options = torch::TensorOptions().dtype(entry.dtype);
  if (entry.bytes() == 0) return torch::empty(entry.shape, options);
  std::byte* bytes = shard.data + entry.begin;
  if (entry.dtype == torch::kBool) {
    check_truth_values(bytes, entry.bytes(),
                       fmt::format("{}: tensor {}", shard.path.string(), in_quotes(name)));
  }
  if (reinterpret_cast<uintptr_t>(bytes) % c10::elementSize(entry.dtype) != 0) {
    auto copy = torch::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), bytes, entry.bytes());
    return copy;
  }
  return torch::from_blob(
      bytes, entry.shape, [file = shard.file](void*) {}, options);
}

uint64_t SafetensorsReader::bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, place] : places_) sum += place.entry.bytes();
  return sum;
}

}  // namespace zoo
