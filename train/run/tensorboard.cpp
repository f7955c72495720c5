#include "train/run/tensorboard.h"

#include <fmt/format.h>

#include <bit>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include "app/figures/html.h"
#include "base/crc32c.h"

namespace zoo {
namespace {

// Protobuf, the part that is needed: a field is a key (number << 3 | wire type) and its value.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string integer_field(uint32_t number, int64_t value) {
  return varint(number << 3 | kVarint) + varint(static_cast<uint64_t>(value));
}
std::string double_field(uint32_t number, double value) {
  return varint(number << 3 | kFixed64) + little_endian(std::bit_cast<uint64_t>(value));
}
std::string float_field(uint32_t number, float value) {
  return varint(number << 3 | kFixed32) + little_endian(std::bit_cast<uint32_t>(value));
}
std::string bytes_field(uint32_t number, std::string_view value) {
  return varint(number << 3 | kBytes) + varint(value.size()) + std::string(value);
}

// Field numbers of tensorboard/compat/proto: event, summary, tensor and tensor_shape.
namespace event {
constexpr uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace session_log {
constexpr uint32_t kStatus = 1;
constexpr int64_t kStart = 1;
}  // namespace session_log
namespace summary {
constexpr uint32_t kValue = 1;
}
namespace value {
constexpr uint32_t kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
}
namespace metadata {
constexpr uint32_t kPluginData = 1, kDataClass = 4;
constexpr int64_t kDataClassTensor = 2;
}  // namespace metadata
namespace plugin_data {
constexpr uint32_t kPluginName = 1;
}
namespace tensor {
constexpr uint32_t kDtype = 1, kShape = 2, kStringVal = 8;
constexpr int64_t kDtypeString = 7;
}  // namespace tensor
namespace tensor_shape {
constexpr uint32_t kDim = 2, kDimSize = 1;
}

/// TFRecord's checksum: rotated and shifted, so that a checksum of checksums stays useful.
uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u; }

std::string record(std::string_view data) {
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + std::string(data) +
         little_endian(masked_crc(data));
}

/// TensorBoard reads the files of a folder in the order of their names: the time comes first.
GrowingFile open_new(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error(
        fmt::format("cannot make folder {}: {}", folder.string(), error.message()));
  }
  const auto now = static_cast<int64_t>(std::time(nullptr));
  std::filesystem::path path;
  for (int n = 0; path.empty() || std::filesystem::exists(path); ++n) {
    path = folder / fmt::format("events.out.tfevents.{:010}.zoo.{:03}", now, n);
  }
  return GrowingFile(path, false);
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder,
                                     std::optional<int64_t> resume_after_step)
    : file_(open_new(folder)) {
  write_event(bytes_field(event::kFileVersion, "brain.Event:2"), 0, {});
  if (resume_after_step) {
    write_event(
        bytes_field(event::kSessionLog, integer_field(session_log::kStatus, session_log::kStart)),
        *resume_after_step + 1, {});
  }
}

void TensorBoardWriter::scalar(std::string_view tag, double value, int64_t step,
                               std::optional<double> wall_time) {
  const std::string fields = bytes_field(value::kTag, valid_utf8(tag)) +
                             float_field(value::kSimpleValue, static_cast<float>(value));
  write_event(bytes_field(event::kSummary, bytes_field(summary::kValue, fields)), step, wall_time);
}

void TensorBoardWriter::text(std::string_view tag, std::string_view markdown, int64_t step,
                             std::optional<double> wall_time) {
  const std::string plugin =
      bytes_field(metadata::kPluginData, bytes_field(plugin_data::kPluginName, "text")) +
      integer_field(metadata::kDataClass, metadata::kDataClassTensor);
  const std::string shape =
      bytes_field(tensor_shape::kDim, integer_field(tensor_shape::kDimSize, 1));
  const std::string strings = integer_field(tensor::kDtype, tensor::kDtypeString) +
                              bytes_field(tensor::kShape, shape) +
                              bytes_field(tensor::kStringVal, valid_utf8(markdown));
  const std::string fields = bytes_field(value::kTag, valid_utf8(tag)) +
                             bytes_field(value::kTensor, strings) +
                             bytes_field(value::kMetadata, plugin);
  write_event(bytes_field(event::kSummary, bytes_field(summary::kValue, fields)), step, wall_time);
}

void TensorBoardWriter::write_event(std::string_view event_fields, int64_t step,
                                    std::optional<double> wall_time) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double time = wall_time.value_or(std::chrono::duration<double>(now).count());
  file_.append(record(double_field(event::kWallTime, time) + integer_field(event::kStep, step) +
                      std::string(event_fields)));
}

}  // namespace zoo
