// ZIP as far as NumPy writes it: the directory at the end says where the members lie.
#include <fmt/format.h>

#include <stdexcept>

#include "models/images/deflate.h"
#include "train/data/images/npy.h"

namespace zoo {
namespace {

// A small file may inflate to any size.
constexpr uint64_t kLargestMember = uint64_t{1} << 31;

uint64_t number(std::string_view bytes, uint64_t at, uint64_t size) {
  if (at > bytes.size() || size > bytes.size() - at)
    throw std::runtime_error("the file is cut off");
  uint64_t value = 0;
  for (uint64_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

std::string_view part(std::string_view bytes, uint64_t at, uint64_t size) {
  if (at > bytes.size() || size > bytes.size() - at)
    throw std::runtime_error("the file is cut off");
  return bytes.substr(at, size);
}

/// One entry of the directory.
struct Member {
  std::string name;
  uint64_t flags, method, sum, packed, size, offset;
  uint64_t entry_bytes;
};

Member read_entry(std::string_view zip, uint64_t at) {
  if (part(zip, at, 4) != "PK\x01\x02") throw std::runtime_error("its directory is damaged");
  const uint64_t name = number(zip, at + 28, 2), extra = number(zip, at + 30, 2);
  return {.name = std::string(part(zip, at + 46, name)),
          .flags = number(zip, at + 8, 2),
          .method = number(zip, at + 10, 2),
          .sum = number(zip, at + 16, 4),
          .packed = number(zip, at + 20, 4),
          .size = number(zip, at + 24, 4),
          .offset = number(zip, at + 42, 4),
          .entry_bytes = 46 + name + extra + number(zip, at + 32, 2)};
}

std::string content_of(std::string_view zip, const Member& member) {
  if (member.flags & 1) throw std::runtime_error("encrypted");
  if (member.size > kLargestMember || member.packed > kLargestMember)
    throw std::runtime_error("larger than 2 GB; save the arrays as .npy files");
  if (part(zip, member.offset, 4) != "PK\x03\x04") throw std::runtime_error("damaged");
  const uint64_t start =
      member.offset + 30 + number(zip, member.offset + 26, 2) + number(zip, member.offset + 28, 2);
  const auto packed = part(zip, start, member.packed);
  // Deflate's best is 1032 bytes for one.
  if (member.method == 8 && member.size > 1032 * member.packed + 64)
    throw std::runtime_error("damaged");
  std::string content;
  if (member.method == 8) {
    content = inflate(packed, member.size);
  } else if (member.method == 0) {
    content = packed;
  } else {
    throw std::runtime_error(fmt::format("packed by method {}, not by deflate", member.method));
  }
  if (content.size() != member.size || crc32(content) != member.sum)
    throw std::runtime_error("damaged: a checksum is wrong");
  return content;
}

std::map<std::string, std::string> members_of(std::string_view zip) {
  const size_t end = zip.rfind("PK\x05\x06");
  if (!zip.starts_with("PK") || end == std::string_view::npos)
    throw std::runtime_error("no ZIP file, or cut off: it lacks a directory");
  uint64_t at = number(zip, end + 16, 4);
  std::map<std::string, std::string> members;
  for (uint64_t left = number(zip, end + 10, 2); left > 0; --left) {
    const Member member = read_entry(zip, at);
    try {
      members[member.name] = content_of(zip, member);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("{}: {}", member.name, error.what()));
    }
    at += member.entry_bytes;
  }
  return members;
}

}  // namespace

std::map<std::string, std::string> unzip(std::string_view bytes, const std::string& name) {
  try {
    return members_of(bytes);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", name, error.what()));
  }
}

}  // namespace zoo
