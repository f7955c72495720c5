// A run's folder, held open and locked by one process; identified by its inode, not by its name.
#pragma once
#include <filesystem>
#include <string>
#include <utility>

namespace zoo {

class HeldFolder {
 public:
  /// Opens the folder. While it is open, no other folder can be mistaken for it, even if it is
  /// renamed.
  explicit HeldFolder(std::filesystem::path path);
  ~HeldFolder();
  HeldFolder(HeldFolder&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

  /// Locks it for this process, until the object or the process ends, however it ends. Throws
  /// std::runtime_error if another process holds the lock.
  void lock() const;
  /// Whether the path still leads to it: false if it was moved, removed or replaced.
  bool in_place() const;
  /// Throws std::runtime_error if it does not: writes would go to another folder.
  void require_in_place() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;  // -1: folders cannot be opened here
};

}  // namespace zoo
