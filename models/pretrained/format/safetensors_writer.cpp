// Writes safetensors files: the header, then tensor after tensor.
#include <fmt/format.h>

#include <stdexcept>
#include <string_view>

#include "base/files.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

std::string_view bytes_of(const void* data, size_t count) {
  return {static_cast<const char*>(data), count};
}

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
  file.write(bytes_of(&length, sizeof length));
  file.write(json);
  for (const auto& entry : header.tensors) {
    const auto values =
        tensors.at(entry.name).detach().to(torch::kCPU).resolve_conj().resolve_neg().contiguous();
    file.write(bytes_of(values.const_data_ptr(), entry.bytes()));
  }
  file.commit();
}

}  // namespace zoo
