// On disk a safetensors file: embeddings, stamps and probe, and the files' names as bytes, each
// ended by a zero (a name may hold any other).
#include "infer/retrieval/image_index.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

#include "models/images/image.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Another number whenever files are read otherwise than before: then no older index fits.
/// 2: libpng and libjpeg, turned as EXIF says.
constexpr int kReading = 2;

torch::Tensor probe_of(ImageTextEncoder& encoder) {
  Image image{.width = 16, .height = 16, .rgb = {}};
  for (int i = 0; i < 16 * 16; ++i) {
    for (const int value : {i, 255 - i, (i * 37 * kReading) % 256})
      image.rgb.push_back(static_cast<uint8_t>(value));
  }
  return encoder.encode_image(image);  // [1, E]
}

/// The same for every way to name a file, from every folder.
std::string whole_path(const fs::path& file) {
  return fs::absolute(file).lexically_normal().string();
}

std::pair<int64_t, int64_t> stamp_of(const fs::path& file) {
  const auto changed = fs::last_write_time(file).time_since_epoch();
  return {static_cast<int64_t>(fs::file_size(file)),
          std::chrono::duration_cast<std::chrono::nanoseconds>(changed).count()};
}

bool same_model(const torch::Tensor& a, const torch::Tensor& b) {
  // Another kernel or number of threads rounds differently.
  return a.defined() && a.sizes() == b.sizes() && torch::allclose(a, b, 1e-3, 1e-4);
}

torch::Tensor bytes_of(const std::vector<std::string>& names) {
  std::vector<uint8_t> bytes;
  for (const auto& name : names) {
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.push_back(0);
  }
  return torch::tensor(bytes, torch::kByte);
}

std::vector<std::string> names_in(const torch::Tensor& bytes) {
  std::vector<std::string> names(1);
  const auto* const data = bytes.const_data_ptr<uint8_t>();
  for (int64_t i = 0; i < bytes.numel(); ++i) {
    if (data[i] == 0)
      names.emplace_back();
    else
      names.back() += static_cast<char>(data[i]);
  }
  names.pop_back();
  return names;
}

}  // namespace

void index_pictures(ImageTextEncoder& encoder, const fs::path& folder, const ImageIndex& known,
                    ImageIndex& index, const std::function<void(int64_t, int64_t)>& on_progress) {
  index = {.probe = probe_of(encoder)};
  std::map<std::string, int64_t> rows;
  if (same_model(known.probe, index.probe))
    for (const auto& file : known.files) rows.emplace(file, std::ssize(rows));
  std::vector<torch::Tensor> embedded;
  std::vector<int64_t> stamps;
  const auto keep = [&] {
    if (embedded.empty()) return;
    index.embeddings = torch::cat(embedded);
    index.stamps = torch::tensor(stamps, torch::kLong).view({-1, 2});
  };
  const auto files = pictures_below(folder);
  try {
    for (const auto& file : files) {
      const auto [size, time] = stamp_of(file);
      const auto row = rows.find(whole_path(file));
      const bool kept = row != rows.end() && known.stamps[row->second][0].item<int64_t>() == size &&
                        known.stamps[row->second][1].item<int64_t>() == time;
      embedded.push_back(kept ? known.embeddings.slice(0, row->second, row->second + 1)
                              : encoder.encode_image(read_image(file)));
      stamps.insert(stamps.end(), {size, time});
      index.files.push_back(file.string());
      if (on_progress) on_progress(std::ssize(index.files), std::ssize(files));
    }
  } catch (...) {
    keep();
    throw;
  }
  keep();
}

bool made_by(const ImageIndex& index, ImageTextEncoder& encoder) {
  return same_model(index.probe, probe_of(encoder));
}

void write_image_index(const ImageIndex& index, const fs::path& file) {
  std::vector<std::string> files;
  for (const auto& name : index.files) files.push_back(whole_path(name));
  write_safetensors(file,
                    {{"embeddings", index.embeddings},
                     {"stamps", index.stamps},
                     {"probe", index.probe},
                     {"files", bytes_of(files)}},
                    {{"format", "zoo-image-index"}});
}

ImageIndex read_image_index(const fs::path& file) {
  const SafetensorsReader reader(file);
  const auto refuse = [&]() -> std::runtime_error {
    return std::runtime_error(fmt::format(
        "{}: not an index of pictures; name one that match_images --index wrote, or a new file",
        file.string()));
  };
  for (const auto* name : {"embeddings", "stamps", "probe", "files"})
    if (!reader.contains(name)) throw refuse();
  ImageIndex index{.embeddings = reader.tensor("embeddings"),
                   .stamps = reader.tensor("stamps"),
                   .probe = reader.tensor("probe")};
  const auto files = reader.tensor("files");
  if (files.dtype() != torch::kByte || index.embeddings.dtype() != torch::kFloat ||
      index.embeddings.dim() != 2 || index.stamps.dtype() != torch::kLong ||
      index.probe.dtype() != torch::kFloat)
    throw refuse();
  index.files = names_in(files);
  const auto count = std::ssize(index.files);
  if (count == 0 || index.embeddings.size(0) != count ||
      index.stamps.sizes() != torch::IntArrayRef({count, 2}) ||
      index.probe.sizes() != torch::IntArrayRef({1, index.embeddings.size(1)}))
    throw refuse();
  return index;
}

}  // namespace zoo
