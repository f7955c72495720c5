#include "infer/comparison/compared_shape.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace zoo {
namespace {

int64_t read_number(std::string_view text, std::string_view whole) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1 << 24) {
    throw std::invalid_argument(fmt::format(
        "'{}' is no shape: write BxHxTxDh, for instance 2x8x1024x64, then xS and xHkv where they "
        "differ from T and H",
        whole));
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

AttentionShape parse_shape(std::string_view text) {
  std::vector<int64_t> n;
  for (const std::string_view part : split(text, 'x')) n.push_back(read_number(part, text));
  if (n.size() < 4 || n.size() > 6) read_number("", text);
  const AttentionShape shape{.B = n[0],
                             .H = n[1],
                             .T = n[2],
                             .Dh = n[3],
                             .S = n.size() > 4 ? n[4] : n[2],
                             .Hkv = n.size() > 5 ? n[5] : n[1]};
  if (shape.H % shape.Hkv != 0) {
    throw std::invalid_argument(fmt::format("shape '{}': {} key-value heads do not divide {} heads",
                                            text, shape.Hkv, shape.H));
  }
  return shape;
}

}  // namespace

double AttentionShape::operations(bool causal) const {
  const auto n = [](int64_t value) { return static_cast<double>(value); };
  return 4.0 * n(B) * n(H) * n(T) * n(S) * n(Dh) * (causal ? 0.5 : 1.0);
}

std::string AttentionShape::text() const {
  std::string text = fmt::format("{}x{}x{}x{}", B, H, T, Dh);
  if (S != T || Hkv != H) text += fmt::format("x{}", S);
  if (Hkv != H) text += fmt::format("x{}", Hkv);
  return text;
}

std::vector<AttentionShape> parse_shapes(std::string_view text) {
  std::vector<AttentionShape> shapes;
  for (const std::string_view part : split(text, ',')) shapes.push_back(parse_shape(part));
  return shapes;
}

}  // namespace zoo
