// A run's folder, held open: for one process alone, and known again by what it is, not by its name.
#pragma once
#include <filesystem>
#include <string>
#include <utility>

namespace zoo {

class HeldFolder {
 public:
  /// Opens the folder. While it is held, no other folder can be taken for it, whatever happens to
  /// its name.
  explicit HeldFolder(std::filesystem::path path);
  ~HeldFolder();
  HeldFolder(HeldFolder&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

  /// For this process alone, until it ends or the folder is let go, whatever ends it. Throws
  /// std::runtime_error where another process has it.
  void lock() const;
  /// Whether the path still leads to it: false where it was moved, removed or replaced.
  bool in_place() const;
  /// Throws std::runtime_error where it is not: what would be written now would land in a folder of
  /// somebody else.
  void require_in_place() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;  // -1: folders cannot be opened here
};

}  // namespace zoo
