// Last stage, backwards: pieces to text.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace zoo {

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Changes pieces in place; joined, they are the text.
  virtual void apply(std::vector<std::string>& pieces) const = 0;
};

/// From a tokenizer.json's "decoder"; null gives null (pieces are then joined with spaces). Known
/// types: Sequence, ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace.
/// Throws std::runtime_error for others, and lists the known.
std::unique_ptr<Decoder> make_decoder(const nlohmann::json& decoder);

}  // namespace zoo
