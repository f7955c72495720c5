// Weights on disk: safetensors files and folders, read by memory mapping and written whole or not
// at all.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/pretrained/format/mapped_file.h"
#include "models/pretrained/format/safetensors_header.h"

namespace zoo {

/// The tensors of a file, or of a folder with `model.safetensors` or with
/// `model.safetensors.index.json` and its shards.
class SafetensorsReader {
 public:
  /// Throws std::runtime_error with one line that names the file and what is wrong with it. A
  /// reader that stands has checked everything but the tensors' values.
  explicit SafetensorsReader(const std::filesystem::path& path);

  /// Sorted.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return places_.contains(name); }
  /// Throws std::runtime_error where there is no such tensor.
  const TensorEntry& entry(const std::string& name) const;
  /// A tensor on the CPU that shares the mapping and keeps it alive (a copy where the file did not
  /// align it). Writing to it does not reach the file.
  torch::Tensor tensor(const std::string& name) const;
  /// The first file's: {"format": "pt"} where torch wrote it.
  const std::map<std::string, std::string>& metadata() const { return shards_.front().metadata; }
  /// Size of all tensors.
  uint64_t bytes() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Shard {
    std::filesystem::path path;
    std::shared_ptr<MappedFile> file;
    std::byte* data = nullptr;  // behind the header
    std::map<std::string, std::string> metadata;
  };
  struct Place {
    size_t shard = 0;
    TensorEntry entry;
  };
  const Place& place(const std::string& name) const;
  void open_folder();
  void open_index(const std::filesystem::path& index);
  void open_file(const std::filesystem::path& file);

  std::filesystem::path path_;
  std::vector<Shard> shards_;
  std::map<std::string, Place> places_;
};

/// Writes tensors of any device and stride, one after the other (a second copy of the model is
/// never in memory), through a PendingFile. The same tensors give the same bytes, and those of the
/// reference implementation. Throws std::runtime_error with one line (no permission, full disk) and
/// leaves no half file.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace zoo
