// Reading and writing files, with errors that name the file and the cause. A write never leaves
// half a file.
#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// A limit for recipes, vocabularies and configurations.
inline constexpr uintmax_t kSmallFile = uintmax_t{256} << 20;
/// No limit; for pipes and devices, which may never end, 1 GiB.
inline constexpr uintmax_t kAnyFile = ~uintmax_t{0};

/// The whole file as bytes. Throws std::runtime_error, "cannot read PATH: No such file or
/// directory", and also for a file of more than `max_bytes`.
std::string read_file(const std::filesystem::path& path, uintmax_t max_bytes = kAnyFile);

/// A file that is written in pieces and replaces the old one atomically: it has a temporary name in
/// the same folder until commit() flushes and renames it. Without commit() it is removed. A pipe or
/// a device is written to directly. All functions throw std::runtime_error (full disk, no
/// permission).
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  void write(std::string_view bytes);
  /// Overwrites bytes at the file's start; the next write continues at the end.
  void rewrite_start(std::string_view bytes);
  /// To be called once, after all writes.
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path path_, opened_;  // opened_: the temporary name, or path_ itself
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool committed_ = false;
};

/// The same for a file in one piece.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// A folder that is filled file by file and replaces the old one atomically: it is called
/// ".NAME.partial" until commit() flushes and renames it. A folder of that name from a killed run
/// is removed first. Without commit() nothing is left. All functions throw std::runtime_error.
class PendingFolder {
 public:
  explicit PendingFolder(const std::filesystem::path& folder);
  ~PendingFolder();
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;
  /// The temporary folder, to be filled.
  const std::filesystem::path& path() const { return temporary_; }
  /// To be called once, after all writes.
  void commit();

 private:
  std::filesystem::path target_, temporary_;
};

/// The same with one function that writes all files: commits when `fill` returns.
void write_folder(const std::filesystem::path& folder,
                  const std::function<void(const std::filesystem::path& temporary)>& fill);

/// Atomically makes `link` a symbolic link to `target`, a path relative to the link's folder.
void replace_link(const std::filesystem::path& link, const std::filesystem::path& target);

/// A file that grows by records. Each record reaches the operating system before append() returns.
/// A record that fails (full disk: std::runtime_error) is truncated, so that the file ends with a
/// whole record.
class GrowingFile {
 public:
  /// Creates a new file, which must not exist, or continues one. Throws std::runtime_error.
  GrowingFile(std::filesystem::path path, bool continued);
  void append(std::string_view record);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  uintmax_t size_ = 0;
};

}  // namespace zoo
