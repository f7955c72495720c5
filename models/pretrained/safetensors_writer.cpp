#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>

#include "models/pretrained/safetensors.h"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// A file under a temporary name that becomes the real one by commit(), or vanishes.
class PendingFile {
 public:
  explicit PendingFile(const fs::path& path) : path_(path), temporary_(path) {
    temporary_ += fmt::format(".{:08x}.partial", std::random_device{}());
    file_.reset(std::fopen(temporary_.string().c_str(), "wbx"));
    if (!file_) fail();
  }
  ~PendingFile() {
    file_.reset();
    std::error_code ignored;
    if (!committed_) fs::remove(temporary_, ignored);
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(const void* bytes, size_t count) {
    if (count > 0 && std::fwrite(bytes, 1, count, file_.get()) != count) fail();
  }
  void commit() {
    if (std::fflush(file_.get()) != 0) fail();
#if defined(__unix__) || defined(__APPLE__)
    // Without it a crash of the machine could leave the new name on old or missing bytes.
    if (::fsync(::fileno(file_.get())) != 0) fail();
#endif
    if (std::fclose(file_.release()) != 0) fail();
    std::error_code error;
    fs::rename(temporary_, path_, error);
    if (error) fail(error.message());
    committed_ = true;
  }

 private:
  [[noreturn]] void fail() const { fail(std::strerror(errno)); }
  [[noreturn]] void fail(const std::string& cause) const {
    throw std::runtime_error(fmt::format("cannot write {}: {}", path_.string(), cause));
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  fs::path path_, temporary_;
  std::unique_ptr<std::FILE, Close> file_;
  bool committed_ = false;
};

}  // namespace

void write_safetensors(const fs::path& path, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header{.metadata = metadata, .tensors = {}};
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      throw std::invalid_argument("tensor " + in_quotes(name) + " is undefined");
    if (name == "__metadata__") throw std::invalid_argument("no tensor can be named " + name);
    header.tensors.push_back(
        {.name = name, .dtype = tensor.scalar_type(), .shape = tensor.sizes().vec()});
  }
  const std::string json = lay_out_safetensors(header);
  if (json.size() > kLongestSafetensorsHeader) {
    throw std::runtime_error(
        fmt::format("cannot write {}: its header would be {} bytes, more than the {} "
                    "that readers accept",
                    path.string(), json.size(), kLongestSafetensorsHeader));
  }
  PendingFile file(path);
  const uint64_t length = json.size();
  file.write(&length, sizeof length);
  file.write(json.data(), json.size());
  for (const auto& entry : header.tensors) {
    const auto bytes =
        tensors.at(entry.name).detach().to(torch::kCPU).resolve_conj().resolve_neg().contiguous();
    file.write(bytes.const_data_ptr(), entry.bytes());
  }
  file.commit();
}

}  // namespace zoo
