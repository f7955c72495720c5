// Reading and writing files with errors that say which file and why, and writes that never leave
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

/// What no recipe, vocabulary or configuration is longer than.
inline constexpr uintmax_t kSmallFile = uintmax_t{256} << 20;
/// Whatever a disk holds; but of a pipe or a device, which may never end, 1 GiB.
inline constexpr uintmax_t kAnyFile = ~uintmax_t{0};

/// The whole file as bytes. Throws std::runtime_error: "cannot read PATH: No such file or
/// directory", and where it is longer than `longest` bytes.
std::string read_file(const std::filesystem::path& path, uintmax_t longest = kAnyFile);

/// A file that is written piece by piece and appears whole: under a temporary name in the same
/// folder until commit() flushes and renames it. Readers see the old file or the new one; without
/// commit() nothing is left. A pipe or a device keeps its place and is written to directly. All
/// throw std::runtime_error (full disk, no permission).
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  void write(std::string_view bytes);
  /// Replaces the bytes at the file's start, which were written before; the next write goes on at
  /// the end.
  void rewrite_start(std::string_view bytes);
  /// To be called once, as the last.
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path path_, opened_;  // opened_: the temporary name, or path_ itself
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool committed_ = false;
};

/// The same for bytes that are all there.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// A folder that is filled file by file and appears whole: under the name ".NAME.partial" beside
/// its place until commit() flushes and renames it. What a killed run left under that name goes
/// when the next one begins; an existing folder of the final name is replaced. Without commit()
/// nothing is left. All throw std::runtime_error.
class PendingFolder {
 public:
  explicit PendingFolder(const std::filesystem::path& folder);
  ~PendingFolder();
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;
  /// Where to write meanwhile.
  const std::filesystem::path& path() const { return temporary_; }
  /// To be called once, as the last.
  void commit();

 private:
  std::filesystem::path target_, temporary_;
};

/// The same where one function writes all: commits when `fill` returns.
void write_folder(const std::filesystem::path& folder,
                  const std::function<void(const std::filesystem::path& temporary)>& fill);

/// Points the relative symbolic link `link` at `target` (a name relative to the link's folder) by
/// rename.
void replace_link(const std::filesystem::path& link, const std::filesystem::path& target);

/// A file that grows record by record. Each record reaches the operating system before append
/// returns; one that fails (full disk: std::runtime_error) is cut off again, so that the file ends
/// with a whole record.
class GrowingFile {
 public:
  /// Makes a new file, or continues one where `continued`. Throws std::runtime_error; a new file
  /// must not exist yet.
  GrowingFile(std::filesystem::path path, bool continued);
  void append(std::string_view record);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  uintmax_t size_ = 0;
};

}  // namespace zoo
