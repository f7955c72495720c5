// One array: its header and its numbers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "train/data/images/npy.h"

namespace zoo {
namespace {

struct Header {
  std::string type;
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// What stands behind 'key': in the dictionary, without spaces.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos)
    throw std::runtime_error(fmt::format("its header has no '{}'", key));
  auto value = header.substr(at + quoted.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

std::vector<int64_t> parse_shape(std::string_view text) {
  std::vector<int64_t> shape;
  if (!text.starts_with('(')) throw std::runtime_error("its header's 'shape' is no tuple");
  std::optional<int64_t> number;
  for (const char c : text.substr(1)) {
    if (c >= '0' && c <= '9') {
      number = number.value_or(0) * 10 + (c - '0');
      if (*number > INT32_MAX) throw std::runtime_error("a size is larger than 2^31");
    } else if (c == ',' || c == ')') {
      if (number) shape.push_back(*std::exchange(number, std::nullopt));
      if (c == ')') return shape;
    } else if (c != ' ' && c != 'L') {
      break;
    }
  }
  throw std::runtime_error("its header's 'shape' is no tuple of numbers");
}

Header parse_header(std::string_view text) {
  Header header;
  const auto type = value_of(text, "descr");
  if (!type.starts_with('\'')) throw std::runtime_error("structured arrays are not read");
  header.type = type.substr(1, std::min(type.find('\'', 1), type.size()) - 1);
  header.fortran = value_of(text, "fortran_order").starts_with("True");
  header.shape = parse_shape(value_of(text, "shape"));
  return header;
}

torch::Dtype dtype_of(const std::string& type) {
  static const std::map<std::string, torch::Dtype, std::less<>> kTypes = {
      {"b1", torch::kBool},   {"i1", torch::kChar},  {"u1", torch::kByte}, {"i2", torch::kShort},
      {"u2", torch::kUInt16}, {"i4", torch::kInt},   {"i8", torch::kLong}, {"f2", torch::kHalf},
      {"f4", torch::kFloat},  {"f8", torch::kDouble}};
  const auto found = kTypes.find(std::string_view(type).substr(type.empty() ? 0 : 1));
  if (found == kTypes.end() || type[0] == '>') {
    throw std::runtime_error(fmt::format(
        "type '{}' is not read; save the array as bytes, whole numbers or floats (little endian)",
        type.substr(0, 20)));
  }
  return found->second;
}

torch::Tensor parse(std::string_view bytes) {
  if (!bytes.starts_with("\x93NUMPY") || bytes.size() < 12)
    throw std::runtime_error("no .npy file: it must begin with \\x93NUMPY");
  const auto byte = [&](size_t at) { return size_t{static_cast<uint8_t>(bytes[at])}; };
  const bool first_version = byte(6) == 1;
  const size_t start = first_version ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (!first_version) length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - start) throw std::runtime_error("cut off in its header");
  Header header = parse_header(bytes.substr(start, length));
  const auto dtype = dtype_of(header.type);
  const auto numbers = bytes.substr(start + length);
  // Reversed sizes in Fortran order are C order.
  if (header.fortran) std::reverse(header.shape.begin(), header.shape.end());
  double expected = static_cast<double>(c10::elementSize(dtype));
  for (const int64_t size : header.shape) expected *= static_cast<double>(size);
  if (expected != static_cast<double>(numbers.size())) {
    throw std::runtime_error(
        fmt::format("its shape ({}) of type '{}' does not fit the {} bytes "
                    "that follow",
                    fmt::join(header.shape, ", "), header.type, numbers.size()));
  }
  auto array = torch::empty(header.shape, dtype);
  if (!numbers.empty()) std::memcpy(array.data_ptr(), numbers.data(), numbers.size());
  if (!header.fortran) return array;
  std::vector<int64_t> order;
  for (int64_t d = array.dim(); d-- > 0;) order.push_back(d);
  return array.permute(order).contiguous();
}

}  // namespace

torch::Tensor parse_npy(std::string_view bytes, const std::string& name) {
  try {
    return parse(bytes);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", name, error.what()));
  }
}

}  // namespace zoo
