// SentencePiece models written by hand, for tests: a few pieces with their scores.
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/sentencepiece/sentencepiece_model.h"

namespace zoo::testing {

inline std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
inline std::string field(uint32_t number, uint64_t value) {
  return varint(number << 3) + varint(value);
}
inline std::string field(uint32_t number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

/// The bytes of a .model file with these pieces and switches. <unk>, <s> and </s> are not put in.
inline std::string write_model(const SentencePieceModel& model) {
  std::string bytes;
  for (const auto& piece : model.pieces) {
    std::string score = varint(2 << 3 | 5);
    for (int shift = 0; shift < 32; shift += 8) {
      score += static_cast<char>(std::bit_cast<uint32_t>(piece.score) >> shift);
    }
    bytes += field(1, field(1, piece.text) + score + field(3, static_cast<uint64_t>(piece.type)));
  }
  bytes += field(2, field(3, static_cast<uint64_t>(model.algorithm)) +
                        field(35, static_cast<uint64_t>(model.byte_fallback)));
  return bytes +
         field(3, field(1, "identity") + field(3, static_cast<uint64_t>(model.add_dummy_prefix)) +
                      field(4, static_cast<uint64_t>(model.remove_extra_whitespaces)) +
                      field(5, static_cast<uint64_t>(model.escape_whitespaces)));
}

/// A lossless model of these pieces after <unk>, which has id 0.
inline SentencePieceModel small_model(SentencePieceModel::Algorithm algorithm,
                                      const std::vector<std::pair<std::string, float>>& pieces) {
  SentencePieceModel model;
  model.algorithm = algorithm;
  model.add_dummy_prefix = model.remove_extra_whitespaces = model.escape_whitespaces = false;
  model.pieces.push_back({"<unk>", 0, SentencePieceModel::Type::kUnknown});
  for (const auto& [text, score] : pieces) model.pieces.push_back({text, score});
  return model;
}

}  // namespace zoo::testing
