// The shape of one attention call, and its notation on the command line.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct AttentionShape {
  int64_t B = 1, H = 1, T = 1, Dh = 1, S = 1, Hkv = 1;

  bool operator==(const AttentionShape&) const = default;
  /// Operations of a forward pass: 4 B H T S Dh, half of that if causal.
  double operations(bool causal) const;
  /// In the notation of parse_shapes.
  std::string text() const;
};

/// "12x4x64x32,2x8x128x64x512x2": B x H x T x Dh, then S and Hkv if they differ from T and H.
/// Throws std::invalid_argument for anything else.
std::vector<AttentionShape> parse_shapes(std::string_view text);

}  // namespace zoo
