// Last stage, backwards: pieces to text.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Changes pieces in place; joined, they are the text.
  virtual void apply(std::vector<std::string>& pieces) const = 0;
};

/// From a tokenizer.json's "decoder"; null gives null (pieces are then joined with spaces). Known
/// types: Sequence, ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip,
/// Replace, CTC. Throws std::runtime_error for others, and lists the known.
std::unique_ptr<Decoder> make_decoder(const nlohmann::json& decoder);

/// "<0x0A>", the piece of a byte where a vocabulary has no character, is the byte 0x0A.
std::optional<char> byte_of_piece(std::string_view piece);

}  // namespace zoo
