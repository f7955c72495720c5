// A file's bytes as memory: mapped where the system can (pages are read when touched, and shared
// between programs), read whole elsewhere.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace zoo {

/// Private pages: writing to them changes this program's copy, never the file.
class MappedFile {
 public:
  /// Throws std::runtime_error: "cannot read PATH: No such file or directory".
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
  std::vector<std::byte> read_;  // where there is no mapping
};

}  // namespace zoo
