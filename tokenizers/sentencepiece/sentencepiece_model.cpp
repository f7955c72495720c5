// Protocol buffers' wire format: a message is a sequence of (field number and wire type, value).
#include "tokenizers/sentencepiece/sentencepiece_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <unordered_set>

#include "tokenizers/stages/precompiled_charsmap.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

struct Field {
  uint32_t number = 0;
  uint32_t wire = 0;       // 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes
  uint64_t value = 0;      // of wire types 0, 1 and 5
  std::string_view bytes;  // of wire type 2
  std::string_view whole;  // the encoded field, as in the file
};

[[noreturn]] void fail(const char* why) {
  throw std::runtime_error(std::string("not a whole SentencePiece model: ") + why);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  Field next() {
    const std::string_view start = rest_;
    Field field;
    const uint64_t key = varint();
    field.number = static_cast<uint32_t>(key >> 3);
    field.wire = static_cast<uint32_t>(key & 7);
    switch (field.wire) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:
        fail("unknown wire type");
    }
    if (field.number == 0) fail("field number 0");
    field.whole = start.substr(0, start.size() - rest_.size());
    return field;
  }

 private:
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail("it ends inside a field");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t fixed(size_t size) {
    uint64_t value = 0;
    const std::string_view bytes = take(size);
    for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail("a number longer than 64 bits");
  }
  std::string_view rest_;
};

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

std::string message(uint32_t number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

// Field numbers from sentencepiece_model.proto.
SentencePieceModel::Piece parse_piece(std::string_view bytes) {
  SentencePieceModel::Piece piece;
  for (Reader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.number == 1 && field.wire == 2) piece.text = field.bytes;
    if (field.number == 2 && field.wire == 5) {
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    }
    if (field.number == 3 && field.wire == 0) {
      if (field.value < 1 || field.value > 6) fail("a piece of unknown type");
      piece.type = static_cast<SentencePieceModel::Type>(field.value);
    }
  }
  if (piece.text.empty()) fail("an empty piece");
  if (utf8::find_invalid(piece.text) != std::string_view::npos) fail("a piece is not UTF-8");
  return piece;
}

std::string write_piece(const SentencePieceModel::Piece& piece) {
  std::string bytes = message(1, piece.text) + varint(2 << 3 | 5);
  const auto bits = std::bit_cast<uint32_t>(piece.score);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  return bytes + varint(3 << 3 | 0) + varint(static_cast<uint64_t>(piece.type));
}

void parse_trainer_spec(std::string_view bytes, SentencePieceModel& model) {
  for (Reader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.wire == 2) {
      if (field.number == 44) model.unk_surface = field.bytes;
      if (field.number == 45) model.unk_piece = field.bytes;
      if (field.number == 46) model.bos_piece = field.bytes;
      if (field.number == 47) model.eos_piece = field.bytes;
      if (field.number == 48) model.pad_piece = field.bytes;
    }
    if (field.wire != 0) continue;
    if (field.number == 3) {
      if (field.value < 1 || field.value > 4) fail("unknown kind of model");
      model.algorithm = static_cast<SentencePieceModel::Algorithm>(field.value);
    }
    if (field.number == 24) model.whitespace_as_suffix = field.value != 0;
    if (field.number == 35) model.byte_fallback = field.value != 0;
    const auto id = static_cast<int32_t>(field.value);  // -1 is written as 64 bits
    if (field.number == 40) model.unk_id = id;
    if (field.number == 41) model.bos_id = id;
    if (field.number == 42) model.eos_id = id;
  }
}

void parse_normalizer_spec(std::string_view bytes, SentencePieceModel& model) {
  for (Reader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.number == 1 && field.wire == 2) model.normalization = field.bytes;
    if (field.number == 2 && field.wire == 2) {
      model.precompiled_charsmap = field.bytes;
      if (!field.bytes.empty() && !is_sound_charsmap(field.bytes)) {
        fail("its normalisation rules are damaged");
      }
    }
    if (field.number == 3 && field.wire == 0) model.add_dummy_prefix = field.value != 0;
    if (field.number == 4 && field.wire == 0) model.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5 && field.wire == 0) model.escape_whitespaces = field.value != 0;
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes) {
  SentencePieceModel model;
  bool trainer = false, normalizer = false;
  for (Reader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.wire != 2) continue;
    if (field.number == 1) model.pieces.push_back(parse_piece(field.bytes));
    if (field.number == 2) {
      parse_trainer_spec(field.bytes, model);
      trainer = true;
    }
    if (field.number == 3) {
      parse_normalizer_spec(field.bytes, model);
      normalizer = true;
    }
    if (field.number == 5) {
      SentencePieceModel reverse;
      parse_normalizer_spec(field.bytes, reverse);
      model.denormalizes = !reverse.precompiled_charsmap.empty();
    }
  }
  if (model.pieces.empty()) fail("it has no pieces");
  // Settings follow the pieces. If they are missing, the file was cut off.
  if (!trainer || !normalizer) fail("it ends before its settings");
  return model;
}

int32_t unknown_of(const SentencePieceModel& model) {
  const auto found = std::find_if(model.pieces.begin(), model.pieces.end(), [](const auto& piece) {
    return piece.type == SentencePieceModel::Type::kUnknown;
  });
  return static_cast<int32_t>(found - model.pieces.begin());
}

unsigned char byte_of(const SentencePieceModel::Piece& piece) {
  unsigned value = 0;
  if (piece.text.size() == 6) {
    std::from_chars(piece.text.data() + 3, piece.text.data() + 5, value, 16);
  }
  return static_cast<unsigned char>(value);
}

void check_sentencepiece_model(const SentencePieceModel& model) {
  using Algorithm = SentencePieceModel::Algorithm;
  using Type = SentencePieceModel::Type;
  if (model.algorithm != Algorithm::kBpe && model.algorithm != Algorithm::kUnigram) {
    throw std::runtime_error(
        "a SentencePiece model of words or characters; known are BPE and unigram");
  }
  if (model.denormalizes) {
    throw std::runtime_error("a SentencePiece model with denormalisation rules is not supported");
  }
  if (model.whitespace_as_suffix) {
    throw std::runtime_error(
        "a SentencePiece model with treat_whitespace_as_suffix is not supported");
  }
  std::unordered_set<std::string_view> in_text, reserved;
  size_t unknown = 0, bytes = 0;
  for (const auto& piece : model.pieces) {
    unknown += piece.type == Type::kUnknown;
    bytes += piece.type == Type::kByte && piece.text == fmt::format("<0x{:02X}>", byte_of(piece));
    const bool stands_in_text = piece.type == Type::kNormal || piece.type == Type::kUserDefined ||
                                piece.type == Type::kUnused;
    if (!(stands_in_text ? in_text : reserved).insert(piece.text).second) {
      throw std::runtime_error(fmt::format("piece '{}' is given twice", piece.text));
    }
    if (!std::isfinite(piece.score)) {
      throw std::runtime_error(fmt::format("the score of piece '{}' is no number", piece.text));
    }
  }
  if (unknown != 1) {
    throw std::runtime_error(
        fmt::format("expected one piece for what is unknown, found {}", unknown));
  }
  if (in_text.empty()) throw std::runtime_error("it has no pieces for text");
  if (model.byte_fallback && bytes != 256) {
    throw std::runtime_error(fmt::format(
        "unknown characters are to become bytes, but there are {} of 256 byte pieces", bytes));
  }
}

std::string rewrite_sentencepiece_model(std::string_view bytes,
                                        const std::function<void(SentencePieceModel::Piece&)>& edit,
                                        bool escape_whitespaces) {
  std::string out;
  for (Reader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.number == 1 && field.wire == 2) {
      SentencePieceModel::Piece piece = parse_piece(field.bytes);
      edit(piece);
      out += message(1, write_piece(piece));
    } else if (field.number == 3 && field.wire == 2) {
      // The last value of a field wins.
      const std::string escape = varint(5 << 3 | 0) + varint(escape_whitespaces ? 1 : 0);
      out += message(3, std::string(field.bytes) + escape);
    } else {
      out += field.whole;
    }
  }
  return out;
}

}  // namespace zoo
