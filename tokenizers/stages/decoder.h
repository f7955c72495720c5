// Decoding: from pieces to text.
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
  /// Changes the pieces in place; the text is their concatenation.
  virtual void apply(std::vector<std::string>& pieces) const = 0;
};

/// From a tokenizer.json's "decoder"; null gives null (pieces are then joined with spaces). Known
/// types: Sequence, ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip,
/// Replace, CTC. Throws std::runtime_error for others, with a list of these.
std::unique_ptr<Decoder> make_decoder(const nlohmann::json& decoder);

/// Removes spaces before punctuation and before English contractions, as `transformers` does.
std::string clean_up_english(std::string text);

/// The byte 0x0A for the piece "<0x0A>"; such pieces spell characters outside the vocabulary.
std::optional<char> byte_of_piece(std::string_view piece);

}  // namespace zoo
