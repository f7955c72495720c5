#include "base/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <system_error>

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace zoo {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const char* verb, const fs::path& path, int error) {
  throw std::runtime_error(
      fmt::format("cannot {} {}: {}", verb, path.string(), std::generic_category().message(error)));
}

[[noreturn]] void fail(const char* verb, const fs::path& path, const std::error_code& error) {
  throw std::runtime_error(fmt::format("cannot {} {}: {}", verb, path.string(), error.message()));
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

bool flush_to_disk(std::FILE* file) {
#if defined(_WIN32)
  return _commit(_fileno(file)) == 0;
#else
  // Pipes and devices have no fsync: EINVAL is not a lost write.
  return ::fsync(::fileno(file)) == 0 || errno == EINVAL;
#endif
}

/// Makes names and renames in a folder survive a power failure. Best effort: some file systems have
/// no fsync for folders.
void flush_folder(const fs::path& folder) {
#if !defined(_WIN32)
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
#else
  (void)folder;
#endif
}

/// A unique name: other processes may write the same file at the same time.
fs::path temporary_beside(const fs::path& path) {
  static std::atomic<uint64_t> next{std::random_device{}()};
  fs::path temporary = path;
  temporary.replace_filename(fmt::format(".{}.{:x}.tmp", path.filename().string(), next++));
  return temporary;
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void flush_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_symlink()) continue;
    if (entry.is_directory()) {
      flush_folder(entry.path());
    } else if (entry.is_regular_file()) {
      File file(std::fopen(entry.path().string().c_str(), "rb"));
      if (file == nullptr || !flush_to_disk(file.get())) fail("write", entry.path(), errno);
    }
  }
  flush_folder(folder);
}

/// Swaps two names atomically, if the system supports it.
bool exchange(const fs::path& a, const fs::path& b) {
#if defined(__linux__) && defined(SYS_renameat2)
  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE
  return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), kExchange) == 0;
#else
  (void)a;
  (void)b;
  return false;
#endif
}

void put_in_place(const fs::path& temporary, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder))) {
    fs::rename(temporary, folder, error);
  } else if (!exchange(temporary, folder)) {
    const fs::path old = temporary_beside(folder);
    fs::rename(folder, old, error);
    if (!error) fs::rename(temporary, folder, error);
    if (!error) remove_quietly(old);
  }
  if (error) fail("write", folder, error);
}

}  // namespace

std::string read_file(const fs::path& path, uintmax_t max_bytes) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) fail("read", path, EISDIR);
  File file(std::fopen(path.string().c_str(), "rb"));
  if (file == nullptr) fail("read", path, errno);
  const bool ends = fs::is_regular_file(path, ignored);
  if (!ends) max_bytes = std::min(max_bytes, uintmax_t{1} << 30);
  const auto too_long = [&] {
    throw std::runtime_error(
        fmt::format("cannot read {}: it is longer than {} bytes, the limit for such a file",
                    path.string(), max_bytes));
  };
  std::string bytes;
  if (const auto size = fs::file_size(path, ignored); ends && !ignored) {
    if (size > max_bytes) too_long();
    bytes.reserve(size);
  }
  char buffer[1 << 16];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, file.get())) {
    if (bytes.size() + got > max_bytes) too_long();
    bytes.append(buffer, got);
  }
  if (std::ferror(file.get())) fail("read", path, errno);
  return bytes;
}

PendingFile::PendingFile(fs::path path)
    : path_(std::move(path)), opened_(path_), file_(nullptr, &std::fclose) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path_, ignored);
  if (fs::is_directory(status)) zoo::fail("write", path_, EISDIR);
  const bool is_special = fs::exists(status) && !fs::is_regular_file(status);
  if (!is_special) opened_ = temporary_beside(path_);
  file_.reset(std::fopen(opened_.string().c_str(), is_special ? "wb" : "wbx"));
  if (file_ == nullptr) fail();
}

PendingFile::~PendingFile() {
  file_.reset();
  if (!committed_ && opened_ != path_) remove_quietly(opened_);
}

void PendingFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail();
}

void PendingFile::rewrite_start(std::string_view bytes) {
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) fail();
  write(bytes);
  if (std::fseek(file_.get(), 0, SEEK_END) != 0) fail();
}

void PendingFile::commit() {
  // Without the flush, a crash of the machine could leave the new name with missing bytes.
  if (std::fflush(file_.get()) != 0 || !flush_to_disk(file_.get())) fail();
  if (std::fclose(file_.release()) != 0) fail();
  if (opened_ != path_) {
    std::error_code error;
    fs::rename(opened_, path_, error);
    if (error) zoo::fail("write", path_, error);
    flush_folder(path_.parent_path());
  }
  committed_ = true;
}

void PendingFile::fail() const { zoo::fail("write", path_, errno); }

void write_file(const fs::path& path, std::string_view bytes) {
  PendingFile file(path);
  file.write(bytes);
  file.commit();
}

PendingFolder::PendingFolder(const fs::path& folder)
    : target_(folder.has_filename() ? folder : folder.parent_path()), temporary_(target_) {
  temporary_.replace_filename(fmt::format(".{}.partial", target_.filename().string()));
  std::error_code error;
  fs::remove_all(temporary_, error);
  if (!error) fs::create_directories(temporary_, error);
  if (error) fail("write", target_, error);
}

/// After a commit() that exchanged two folders the temporary name holds the old one.
PendingFolder::~PendingFolder() { remove_quietly(temporary_); }

void PendingFolder::commit() {
  flush_tree(temporary_);
  put_in_place(temporary_, target_);
  flush_folder(target_.parent_path());
}

void write_folder(const fs::path& folder, const std::function<void(const fs::path&)>& fill) {
  PendingFolder pending(folder);
  fill(pending.path());
  pending.commit();
}

void replace_link(const fs::path& link, const fs::path& target) {
  const fs::path temporary = temporary_beside(link);
  std::error_code error;
  fs::create_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) {
    remove_quietly(temporary);
    fail("link", link, error);
  }
  flush_folder(link.parent_path());
}

GrowingFile::GrowingFile(fs::path path, bool continued)
    : path_(std::move(path)),
      file_(std::fopen(path_.string().c_str(), continued ? "ab" : "wbx"), &std::fclose) {
  if (file_ == nullptr) fail("write", path_, errno);
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  std::error_code error;
  size_ = fs::file_size(path_, error);
  if (error) size_ = 0;  // a pipe or a device cannot be truncated
}

void GrowingFile::append(std::string_view record) {
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size()) {
    const int error = errno;
    std::clearerr(file_.get());
    std::error_code ignored;
    fs::resize_file(path_, size_, ignored);
    std::fseek(file_.get(), 0, SEEK_END);
    fail("write", path_, error);
  }
  size_ += record.size();
}

}  // namespace zoo
