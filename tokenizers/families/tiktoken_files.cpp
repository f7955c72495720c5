#include "tokenizers/families/tiktoken_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>

#include "base/base64.h"
#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/algorithms/piece_map.h"
#include "tokenizers/algorithms/vocabulary.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/stages/split_patterns.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Special {
  std::string text;
  int32_t id;
};
struct EncodingRules {
  std::string_view name, pattern;
  std::vector<Special> specials;
  bool ids_after_pieces = false;  ///< ids of special tokens are relative to the number of pieces
  std::string_view begin = {};    ///< what add_special puts before a text
};

/// Llama 3.1's. Llama 3 has the same ids, but some have other names or none.
std::vector<Special> llama3_specials() {
  constexpr int32_t kAll = 256;
  const std::map<int32_t, std::string_view> named = {
      {0, "begin_of_text"},   {1, "end_of_text"},   {4, "finetune_right_pad_id"},
      {6, "start_header_id"}, {7, "end_header_id"}, {8, "eom_id"},
      {9, "eot_id"},          {10, "python_tag"}};
  std::vector<Special> specials;
  for (int32_t id = 0, reserved = 0; id < kAll; ++id) {
    const auto name = named.find(id);
    specials.push_back({name == named.end()
                            ? fmt::format("<|reserved_special_token_{}|>", reserved++)
                            : fmt::format("<|{}|>", name->second),
                        id});
  }
  return specials;
}

const std::vector<EncodingRules>& encodings() {
  static const std::vector<EncodingRules> all = {
      {"gpt2", "gpt2", {{"<|endoftext|>", 50256}}},
      {"r50k_base", "r50k", {{"<|endoftext|>", 50256}}},
      {"p50k_base", "p50k", {{"<|endoftext|>", 50256}}},
      {"cl100k_base",
       "cl100k",
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k_base", "o200k", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"llama3", "llama3", llama3_specials(), /*ids_after_pieces=*/true, "<|begin_of_text|>"},
  };
  return all;
}

/// Longer pieces would make the search for merges slow; published pieces have up to 128 bytes.
constexpr size_t kLongestPiece = 1024;
constexpr int32_t kLargestRank = 1 << 24;

struct Piece {
  std::string bytes;
  int32_t rank = 0;
};

[[noreturn]] void fail(size_t line, std::string_view why) {
  throw std::runtime_error(fmt::format("tiktoken ranks, line {}: {}", line, why));
}

Piece read_piece(std::string_view line, size_t number) {
  const size_t space = line.find(' ');
  const auto bytes = decode_base64(line.substr(0, space));
  if (space == std::string_view::npos || !bytes) {
    fail(number, "expected a piece in Base64, a space and its rank");
  }
  Piece piece{.bytes = *bytes};
  const char *const begin = line.data() + space + 1, *const end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(begin, end, piece.rank);
  if (error != std::errc() || rest != end || piece.rank < 0 || piece.rank > kLargestRank) {
    fail(number, fmt::format("the rank must be a number up to {}", kLargestRank));
  }
  if (piece.bytes.empty() || piece.bytes.size() > kLongestPiece) {
    fail(number, fmt::format("a piece must have 1 to {} bytes", kLongestPiece));
  }
  return piece;
}

/// In the order of ranks, without repeats.
std::vector<Piece> read_pieces(std::string_view text) {
  std::vector<Piece> pieces;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) pieces.push_back(read_piece(line, number));
  }
  if (pieces.empty()) throw std::runtime_error("tiktoken ranks: the file is empty");
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.rank < b.rank; });
  return pieces;
}

/// Throws for a repeated rank or piece.
PieceMap index_pieces(const std::vector<Piece>& pieces) {
  PieceMap ranks;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0 && pieces[i].rank == pieces[i - 1].rank) {
      throw std::runtime_error(
          fmt::format("tiktoken ranks: two pieces have the rank {}", pieces[i].rank));
    }
    if (const auto other = ranks.find(pieces[i].bytes)) {
      throw std::runtime_error(
          fmt::format("tiktoken ranks: one piece has the ranks {} and {}", *other, pieces[i].rank));
    }
    ranks.insert(pieces[i].bytes, pieces[i].rank);
  }
  return ranks;
}

void check_bytes(const PieceMap& ranks) {
  for (int byte = 0; byte < 256; ++byte) {
    if (ranks.find(std::string(1, static_cast<char>(byte)))) continue;
    throw std::runtime_error(fmt::format(
        "tiktoken ranks: no piece is the byte 0x{:02X}, every byte must be one; is the file whole?",
        byte));
  }
}

/// Adds all pairs of pieces that form this piece, low ranks first.
void add_merges(std::string_view bytes, const PieceMap& ranks,
                std::vector<std::pair<std::string, std::string>>& merges) {
  std::vector<std::tuple<int32_t, int32_t, size_t>> found;
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    const auto left = ranks.find(bytes.substr(0, cut));
    if (!left) continue;
    if (const auto right = ranks.find(bytes.substr(cut))) found.emplace_back(*left, *right, cut);
  }
  std::sort(found.begin(), found.end());
  for (const auto& [left, right, cut] : found) {
    merges.emplace_back(to_byte_alphabet(bytes.substr(0, cut)),
                        to_byte_alphabet(bytes.substr(cut)));
  }
}

std::vector<AddedToken> added_tokens(const EncodingRules& rules, const std::vector<Piece>& pieces,
                                     const PieceMap& rank_of) {
  const int32_t first = rules.ids_after_pieces ? static_cast<int32_t>(pieces.size()) : 0;
  std::vector<AddedToken> added;
  for (const Special& special : rules.specials) {
    const int32_t id = first + special.id;
    const auto taken =
        std::lower_bound(pieces.begin(), pieces.end(), id,
                         [](const Piece& piece, int32_t other) { return piece.rank < other; });
    if ((taken != pieces.end() && taken->rank == id) || rank_of.find(special.text)) {
      throw std::runtime_error(fmt::format(
          "tiktoken ranks: {} has the id {} for {}, which a piece of the file has, too; "
          "is it the file of another encoding?",
          rules.name, id, special.text));
    }
    added.push_back({.id = id, .text = special.text});
  }
  return added;
}

/// ByteLevel alone adds no ids.
ordered_json post_processor(const EncodingRules& rules, const std::vector<AddedToken>& added) {
  ordered_json bytes = byte_level_json(true, false, true);
  if (rules.begin.empty()) return bytes;
  const auto begin = std::find_if(added.begin(), added.end(), [&](const AddedToken& token) {
    return token.text == rules.begin;
  });
  const auto part = [&](const char* kind, std::string_view id, int segment) -> ordered_json {
    return {{kind, {{"id", id}, {"type_id", segment}}}};
  };
  const ordered_json single =
      ordered_json::array({part("SpecialToken", rules.begin, 0), part("Sequence", "A", 0)});
  ordered_json pair = single;
  pair.push_back(part("SpecialToken", rules.begin, 1));
  pair.push_back(part("Sequence", "B", 1));
  const ordered_json names = {{begin->text,
                               {{"id", begin->text},
                                {"ids", ordered_json::array({begin->id})},
                                {"tokens", ordered_json::array({begin->text})}}}};
  return {{"type", "Sequence"},
          {"processors", ordered_json::array({bytes,
                                              {{"type", "TemplateProcessing"},
                                               {"single", single},
                                               {"pair", pair},
                                               {"special_tokens", names}}})}};
}

const EncodingRules& rules_of(std::string_view name) {
  const auto& all = encodings();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& rules) { return rules.name == name; });
  if (found == all.end()) {
    throw std::runtime_error(fmt::format("no tiktoken encoding is called '{}'; known: {}", name,
                                         fmt::join(tiktoken_encodings(), ", ")));
  }
  return *found;
}

void check_order(const json& merges, const Vocabulary& vocabulary) {
  int32_t last = -1;
  size_t place = 0;
  for (const json& merge : merges) {
    const auto [left, right] = read_merge(merge, ++place);
    const std::string merged = left + right;
    const auto id = vocabulary.id_of(merged);
    if (!id || *id < last) {
      throw std::runtime_error(
          fmt::format("tiktoken ranks: the piece '{}' has no id in the order of the merges, as the "
                      "format needs",
                      merged));
    }
    last = *id;
  }
}

}  // namespace

ordered_json tiktoken_document(std::string_view ranks, std::string_view encoding) {
  const EncodingRules& rules = rules_of(encoding);
  const std::vector<Piece> pieces = read_pieces(ranks);
  const PieceMap rank_of = index_pieces(pieces);
  check_bytes(rank_of);
  std::vector<std::pair<std::string, int32_t>> vocab;
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Piece& piece : pieces) {
    vocab.emplace_back(to_byte_alphabet(piece.bytes), piece.rank);
    add_merges(piece.bytes, rank_of, merges);
  }
  const std::vector<AddedToken> added = added_tokens(rules, pieces, rank_of);
  // Also in the vocabulary: otherwise the `tokenizers` package assigns the next free id.
  for (const AddedToken& token : added) vocab.emplace_back(token.text, token.id);
  TokenizerJson parts;
  parts.pre_tokenizer = {
      {"type", "Sequence"},
      {"pretokenizers",
       ordered_json::array({split_json(split_pattern(rules.pattern), "Isolated", false),
                            byte_level_json(false, true, false)})}};
  parts.post_processor = post_processor(rules, added);
  parts.decoder = byte_level_json(true, true, true);
  parts.model = bpe_model_json(vocab, merges);
  parts.model["ignore_merges"] = true;
  return make_tokenizer_json(parts, added);
}

bool is_tiktoken(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const size_t end = line.find(' ');
  return end != 0 && end != std::string_view::npos && decode_base64(line.substr(0, end)) &&
         line.find_first_not_of("0123456789\r", end + 1) == std::string_view::npos;
}

std::string_view tiktoken_encoding_of(const std::filesystem::path& file) {
  if (file.extension() != ".tiktoken") return "llama3";
  for (const EncodingRules& rules : encodings()) {
    if (file.stem() == rules.name) return rules.name;
  }
  throw std::runtime_error(
      fmt::format("the name of the file must tell its encoding, which is one of {}; rename it to "
                  "cl100k_base.tiktoken, for example",
                  fmt::join(tiktoken_encodings(), ", ")));
}

std::string tiktoken_ranks(const json& document) {
  const json& model = fields::required(document, "model", "tokenizer.json");
  if (fields::text(model, "type", "model") != "BPE" ||
      fields::optional_text(model, "end_of_word_suffix", "BPE").value_or("") != "" ||
      fields::optional_text(model, "continuing_subword_prefix", "BPE").value_or("") != "") {
    throw std::runtime_error("tiktoken ranks hold byte-level BPE without prefix and suffix only");
  }
  const Vocabulary vocabulary(fields::required(model, "vocab", "BPE"), "BPE");
  check_order(fields::required(model, "merges", "BPE"), vocabulary);
  std::set<std::string> added;
  if (document.contains("added_tokens")) {
    for (const json& token : document["added_tokens"]) {
      added.insert(fields::text(token, "content", "added_tokens"));
    }
  }
  std::string ranks;
  size_t single_bytes = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = vocabulary.piece_of(id);
    if (piece.empty() || added.contains(piece)) continue;
    const auto bytes = from_byte_alphabet(piece);
    if (!bytes) {
      throw std::runtime_error(
          fmt::format("tiktoken ranks: the piece '{}' is not written in the byte alphabet", piece));
    }
    single_bytes += bytes->size() == 1;
    ranks += fmt::format("{} {}\n", encode_base64(*bytes), id);
  }
  if (single_bytes != 256) {
    throw std::runtime_error(
        fmt::format("tiktoken ranks: all 256 bytes must be pieces, {} are", single_bytes));
  }
  return ranks;
}

std::vector<std::string_view> tiktoken_encodings() {
  std::vector<std::string_view> names;
  for (const EncodingRules& rules : encodings()) names.push_back(rules.name);
  return names;
}

}  // namespace zoo
