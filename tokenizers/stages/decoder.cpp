#include "tokenizers/stages/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/text/regex.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;
using Pieces = std::vector<std::string>;

std::string join(const Pieces& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

/// Radford et al. 2019: characters of the byte alphabet are bytes, which together form UTF-8.
class ByteLevelDecoder final : public Decoder {
 public:
  void apply(Pieces& pieces) const override {
    std::string bytes;
    for (const std::string& piece : pieces) bytes += from_byte_alphabet(piece).value_or(piece);
    pieces = {utf8::replace_ill_formed(bytes)};
  }
};

/// The `tokenizers` package also contracts "do not".
std::string clean_up_piece(std::string piece) {
  return utf8::replace_all(clean_up_english(std::move(piece)), " do not", " don't");
}

/// A piece with the prefix continues the previous word.
class WordPieceDecoder final : public Decoder {
 public:
  WordPieceDecoder(std::string prefix, bool clean_up)
      : prefix_(std::move(prefix)), clean_up_(clean_up) {}

  void apply(Pieces& pieces) const override {
    for (size_t i = 0; i < pieces.size(); ++i) {
      std::string& piece = pieces[i];
      if (i > 0 && piece.starts_with(prefix_)) {
        piece.erase(0, prefix_.size());
      } else if (i > 0) {
        piece.insert(0, 1, ' ');
      }
      if (clean_up_) piece = clean_up_piece(std::move(piece));
    }
  }

 private:
  std::string prefix_;
  bool clean_up_;
};

/// SentencePiece's space mark becomes a space; in the first piece it is dropped if the encoder
/// added it.
class MetaspaceDecoder final : public Decoder {
 public:
  MetaspaceDecoder(std::string mark, bool drops_first)
      : mark_(std::move(mark)), drops_first_(drops_first) {}

  void apply(Pieces& pieces) const override {
    for (size_t i = 0; i < pieces.size(); ++i) {
      pieces[i] = utf8::replace_all(pieces[i], mark_, i == 0 && drops_first_ ? "" : " ");
    }
  }

 private:
  std::string mark_;
  bool drops_first_;
};

/// Like Rust's replace: the empty string matches at both ends and between all characters.
std::string replace(std::string_view text, std::string_view from, std::string_view to) {
  if (!from.empty()) return utf8::replace_all(text, from, to);
  std::string made(to);
  while (!text.empty()) {
    const size_t size = utf8::first(text).size;
    made.append(text.substr(0, size)).append(to);
    text.remove_prefix(size);
  }
  return made;
}

/// The mark at the end of a word (CLIP's </w>) becomes a space, except at the very end.
class SuffixDecoder final : public Decoder {
 public:
  explicit SuffixDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  void apply(Pieces& pieces) const override {
    for (std::string& piece : pieces) {
      piece = replace(piece, suffix_, &piece == &pieces.back() ? "" : " ");
    }
  }

 private:
  std::string suffix_;
};

/// <0xC3> <0xA9> are the bytes of one character; bytes that form no character become U+FFFD each.
class ByteFallbackDecoder final : public Decoder {
 public:
  void apply(Pieces& pieces) const override {
    Pieces out;
    std::string run;
    const auto end_run = [&] {
      if (run.empty()) return;
      const bool valid = utf8::find_invalid(run) == std::string_view::npos;
      if (valid) out.push_back(run);
      for (size_t i = 0; !valid && i < run.size(); ++i) out.push_back(utf8::encode(0xFFFD));
      run.clear();
    };
    for (std::string& piece : pieces) {
      if (const auto byte = byte_of_piece(piece)) {
        run += *byte;
        continue;
      }
      end_run();
      out.push_back(std::move(piece));
    }
    end_run();
    pieces = std::move(out);
  }
};

class FuseDecoder final : public Decoder {
 public:
  void apply(Pieces& pieces) const override { pieces = {join(pieces)}; }
};

/// Strips up to `start` occurrences of `content` from the start of each piece, and `stop` from its
/// end.
class StripDecoder final : public Decoder {
 public:
  StripDecoder(std::string content, size_t start, size_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}
  void apply(Pieces& pieces) const override {
    for (std::string& piece : pieces) {
      std::string_view rest = piece;
      for (size_t i = 0; i < start_ && rest.starts_with(content_); ++i) {
        rest.remove_prefix(content_.size());
      }
      for (size_t i = 0; i < stop_ && rest.ends_with(content_); ++i) {
        rest.remove_suffix(content_.size());
      }
      piece = std::string(rest);
    }
  }

 private:
  std::string content_;
  size_t start_, stop_;
};

class ReplaceDecoder final : public Decoder {
 public:
  ReplaceDecoder(Regex from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void apply(Pieces& pieces) const override {
    Regex::Matches matches(from_, {});
    for (std::string& piece : pieces) {
      if (piece.empty()) continue;  // the reference finds no match in it, not even an empty one
      matches.restart(piece);
      std::string made;
      size_t at = 0;
      for (Span match; matches.next(match); at = match.end) {
        made.append(piece, at, match.begin - at).append(to_);
      }
      made.append(piece, at);
      piece = std::move(made);
    }
  }

 private:
  Regex from_;
  std::string to_;
};

/// Connectionist temporal classification (Graves et al. 2006): consecutive repeats of a piece are
/// merged, and the blank is removed.
class CtcDecoder final : public Decoder {
 public:
  CtcDecoder(std::string blank, std::string delimiter, bool clean_up)
      : blank_(std::move(blank)), delimiter_(std::move(delimiter)), clean_up_(clean_up) {}
  void apply(Pieces& pieces) const override {
    pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
    for (std::string& piece : pieces) {
      piece = replace(piece, blank_, "");
      if (clean_up_) piece = replace(clean_up_piece(std::move(piece)), delimiter_, " ");
    }
    std::erase(pieces, std::string());
  }

 private:
  std::string blank_, delimiter_;
  bool clean_up_;
};

class DecoderSequence final : public Decoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<Decoder>> steps)
      : steps_(std::move(steps)) {}
  void apply(Pieces& pieces) const override {
    for (const auto& step : steps_) step->apply(pieces);
  }

 private:
  std::vector<std::unique_ptr<Decoder>> steps_;
};

std::string text_or(const json& decoder, const char* key, const char* otherwise) {
  return fields::optional_text(decoder, key, "decoder").value_or(otherwise);
}

/// A field that must be one character.
std::string character_or(const json& decoder, const char* key, const char* otherwise) {
  std::string text = text_or(decoder, key, otherwise);
  if (text.empty() || utf8::first(text).size != text.size()) {
    throw std::runtime_error(fmt::format("decoder: '{}' must be one character", key));
  }
  return text;
}

size_t count(const json& decoder, const char* key) {
  const json& value = fields::required(decoder, key, "decoder Strip");
  if (!value.is_number_integer() || value < 0)
    fields::fail("decoder Strip", key, "a number from 0 on", value);
  return value.get<size_t>();
}

std::unique_ptr<Decoder> read_replace(const json& decoder) {
  const json& pattern = fields::required(decoder, "pattern", "decoder Replace");
  fields::check_object(pattern, "decoder Replace's pattern");
  const bool is_regex = pattern.contains("Regex");
  const std::string text =
      fields::text(pattern, is_regex ? "Regex" : "String", "decoder Replace's pattern");
  return std::make_unique<ReplaceDecoder>(is_regex ? Regex(text) : Regex::of_text(text),
                                          fields::text(decoder, "content", "decoder Replace"));
}

std::unique_ptr<Decoder> metaspace_decoder(const json& decoder) {
  const bool adds = decoder.contains("prepend_scheme") ? decoder["prepend_scheme"] != "never"
                                                       : decoder.value("add_prefix_space", true);
  return std::make_unique<MetaspaceDecoder>(character_or(decoder, "replacement", "\xE2\x96\x81"),
                                            adds);
}

std::unique_ptr<Decoder> read_decoder(const json& decoder, int depth);

std::unique_ptr<Decoder> read_decoders(const json& decoder, int depth) {
  constexpr int kDeepest = 32;
  if (depth == kDeepest) throw std::runtime_error("decoder: Sequences are nested too deeply");
  const json& list = fields::required(decoder, "decoders", "decoder Sequence");
  if (!list.is_array()) fields::fail("decoder Sequence", "decoders", "an array", list);
  std::vector<std::unique_ptr<Decoder>> steps;
  for (const json& step : list) steps.push_back(read_decoder(step, depth + 1));
  return std::make_unique<DecoderSequence>(std::move(steps));
}

std::unique_ptr<Decoder> read_decoder(const json& decoder, int depth) {
  const std::string type = fields::text(decoder, "type", "decoder");
  if (type == "Sequence") return read_decoders(decoder, depth);
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "WordPiece") {
    return std::make_unique<WordPieceDecoder>(text_or(decoder, "prefix", "##"),
                                              fields::boolean(decoder, "cleanup", "decoder", true));
  }
  if (type == "Metaspace") return metaspace_decoder(decoder);
  if (type == "BPEDecoder") {
    return std::make_unique<SuffixDecoder>(text_or(decoder, "suffix", "</w>"));
  }
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "Strip") {
    return std::make_unique<StripDecoder>(character_or(decoder, "content", " "),
                                          count(decoder, "start"), count(decoder, "stop"));
  }
  if (type == "Replace") return read_replace(decoder);
  if (type == "CTC") {
    return std::make_unique<CtcDecoder>(text_or(decoder, "pad_token", "<pad>"),
                                        text_or(decoder, "word_delimiter_token", "|"),
                                        fields::boolean(decoder, "cleanup", "decoder", true));
  }
  throw std::runtime_error(
      fmt::format("decoder {} is not supported; known are Sequence, ByteLevel, WordPiece, "
                  "Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace and CTC",
                  type));
}

}  // namespace

std::string clean_up_english(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules) {
    if (text.find(from) != std::string::npos) text = utf8::replace_all(text, from, to);
  }
  return text;
}

std::optional<char> byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

std::unique_ptr<Decoder> make_decoder(const json& decoder) {
  return decoder.is_null() ? nullptr : read_decoder(decoder, 0);
}

}  // namespace zoo
