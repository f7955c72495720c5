#include "train/loop/checkpoint_manifest.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "base/crc32c.h"
#include "base/files.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr int kManifestVersion = 1;
constexpr const char* kManifest = "trainer_state/manifest.json";

std::string sum_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(size_t{1} << 20);
  uint32_t sum = 0;
  do {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    sum = crc32c({buffer.data(), static_cast<size_t>(in.gcount())}, sum);
  } while (in);
  if (!in.eof()) throw std::runtime_error(fmt::format("cannot read {}", file.string()));
  return fmt::format("{:08x}", sum);
}

/// {"lm_head.weight": "F32 [15, 12]"}
Json tensors_of(const fs::path& file) {
  const SafetensorsReader reader(file);
  Json tensors = Json::object();
  for (const auto& name : reader.names()) {
    const TensorEntry& entry = reader.entry(name);
    tensors[name] =
        fmt::format("{} {}", safetensors_dtype_name(entry.dtype), shape_text(entry.shape));
  }
  return tensors;
}

bool holds_tensors(const fs::path& file) { return file.extension() == ".safetensors"; }

/// Why the tensors are not those listed; empty where they are.
std::string difference(const Json& wanted, const Json& found) {
  for (const auto& [name, kind] : wanted.items()) {
    if (!found.contains(name)) return fmt::format("'{}' is missing", name);
    if (found[name] != kind) {
      return fmt::format("'{}' is {}, it was {}", name, found[name].get<std::string>(),
                         kind.is_string() ? kind.get<std::string>() : "something else");
    }
  }
  for (const auto& [name, kind] : found.items())
    if (!wanted.contains(name)) return fmt::format("'{}' was not in it", name);
  return {};
}

/// Why the file is not as it was written; empty where it is.
std::string difference(const fs::path& file, const Json& wanted) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return "it is missing";
  if (wanted.contains("tensors")) {
    try {
      const auto why = difference(wanted["tensors"], tensors_of(file));
      if (!why.empty()) return why;
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  }
  const auto bytes = static_cast<uint64_t>(fs::file_size(file));
  if (wanted.value("bytes", Json()) != bytes) {
    return fmt::format("it has {} bytes, {} were written", bytes,
                       wanted.value("bytes", Json()).dump());
  }
  if (wanted.value("crc32c", Json()) != sum_of(file))
    return "its checksum is not that of what was written";
  return {};
}

}  // namespace

void write_manifest(const fs::path& checkpoint) {
  Json files = Json::object();
  for (const auto& entry : fs::recursive_directory_iterator(checkpoint)) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().lexically_relative(checkpoint).generic_string();
    if (name == kManifest) continue;
    files[name] = {{"bytes", entry.file_size()}, {"crc32c", sum_of(entry.path())}};
    if (holds_tensors(entry.path())) files[name]["tensors"] = tensors_of(entry.path());
  }
  const Json manifest = {{"version", kManifestVersion}, {"files", files}};
  write_file(checkpoint / kManifest, manifest.dump(1) + "\n");
}

bool has_manifest(const fs::path& checkpoint) {
  return fs::exists(fs::symlink_status(checkpoint / kManifest));
}

void check_manifest(const fs::path& checkpoint) {
  const auto refuse = [&](const std::string& file, const std::string& why) {
    throw DamagedCheckpoint(checkpoint, file, why);
  };
  const auto manifest = Json::parse(read_file(checkpoint / kManifest), nullptr,
                                    /*allow_exceptions=*/false);
  if (!manifest.is_object() || manifest.value("version", Json()) != kManifestVersion ||
      !manifest.contains("files") || !manifest["files"].is_object())
    refuse(kManifest, "it is no list of files");
  for (const auto& [name, wanted] : manifest["files"].items()) {
    if (!wanted.is_object()) refuse(kManifest, fmt::format("'{}' has no size", name));
    if (const auto why = difference(checkpoint / name, wanted); !why.empty()) refuse(name, why);
  }
}

DamagedCheckpoint::DamagedCheckpoint(const fs::path& checkpoint, const std::string& file,
                                     const std::string& why)
    : std::runtime_error(fmt::format(
          "'{}' is damaged or of another version ({}); to go on from the checkpoint before it, "
          "remove the folder '{}'",
          (checkpoint / file).string(), why, checkpoint.string())) {}

}  // namespace zoo
