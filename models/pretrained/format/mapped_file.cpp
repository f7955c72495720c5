// mmap, with what can go wrong said in words.
#include "models/pretrained/format/mapped_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#if defined(__unix__) || defined(__APPLE__)
#define ZOO_HAS_MMAP 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace zoo {
namespace {

[[noreturn]] void cannot_read(const std::filesystem::path& path, const std::string& cause) {
  throw std::runtime_error(fmt::format("cannot read {}: {}", path.string(), cause));
}

}  // namespace

#ifdef ZOO_HAS_MMAP
MappedFile::MappedFile(const std::filesystem::path& path) {
  // Not blocking: a named pipe is refused below instead of waited for.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) cannot_read(path, std::strerror(errno));
  struct stat status = {};
  const bool known = ::fstat(file, &status) == 0;
  std::string cause;
  if (!known) {
    cause = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    cause = S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a plain file";
  } else if (status.st_size > 0) {  // an empty file cannot be mapped, and needs no memory
    size_ = static_cast<uint64_t>(status.st_size);
    void* pages = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (pages == MAP_FAILED)
      cause = std::strerror(errno);
    else
      data_ = static_cast<std::byte*>(pages);
  }
  ::close(file);  // the mapping outlives it
  if (!cause.empty()) cannot_read(path, cause);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}
#else
MappedFile::MappedFile(const std::filesystem::path& path) {
  std::error_code error;
  size_ = std::filesystem::file_size(path, error);
  if (error) cannot_read(path, error.message());
  read_.resize(size_);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(read_.data()), static_cast<std::streamsize>(size_));
  if (!in) cannot_read(path, std::strerror(errno));
  data_ = read_.data();
}

MappedFile::~MappedFile() = default;
#endif

}  // namespace zoo
