// The header of a safetensors file: JSON that says which tensors lie where in the bytes behind it.
// Format: huggingface/safetensors, README.md ("Format"): 8 bytes little-endian header length, the
// header, the tensors' bytes without gaps.
#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// One tensor of a file.
struct TensorEntry {
  std::string name;
  c10::ScalarType dtype = c10::ScalarType::Float;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  ///< its bytes, counted from the end of the header

  uint64_t bytes() const { return end - begin; }
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> tensors;  ///< in the order of their bytes
};

/// The longest header that the reference implementation reads, in bytes.
inline constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;

/// "F32" for kFloat. Throws std::invalid_argument for types that the format has no name for.
std::string_view safetensors_dtype_name(c10::ScalarType dtype);

/// Reads and checks a whole header: `data_bytes` is what the file holds behind it. Throws
/// std::runtime_error with one line; afterwards every entry's bytes lie in the file, fit its shape
/// and belong to it alone.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes);

/// Orders the tensors as the reference does (widest dtype first, then by name), sets their offsets,
/// and returns the header's JSON, padded with spaces to a multiple of 8 bytes.
std::string lay_out_safetensors(SafetensorsHeader& header);

/// Text that a file brought, for an error message: in double quotes, on one line, not endless.
std::string in_quotes(std::string_view text);

/// "[2, 3]"
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace zoo
