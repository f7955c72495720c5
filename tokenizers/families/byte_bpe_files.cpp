#include "tokenizers/families/byte_bpe_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "base/files.h"
#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/algorithms/vocabulary.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/stages/split_patterns.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Merges = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kSuffix = "</w>";  // CLIP's mark on the last piece of a word

Vocabulary read_vocab(std::string_view text) {
  const json parsed = fields::parse(text);
  if (parsed.is_discarded()) {
    throw std::runtime_error("vocab.json: not valid JSON; is the file whole?");
  }
  return Vocabulary(parsed, "vocab.json");
}

/// One merge per line. Most files begin with "#version: 0.2"; pieces can begin with # as well.
Merges read_merges(std::string_view text) {
  Merges merges;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool last = text.find_first_not_of("\r\n") == std::string_view::npos;
    if (line.starts_with("#version") || (line.empty() && last)) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      throw std::runtime_error(
          fmt::format("merges.txt: line {} must be two pieces with one space between", number));
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

void check_merges(const Vocabulary& vocabulary, const Merges& merges) {
  for (const auto& [left, right] : merges) {
    for (const std::string& piece : {left, right, left + right}) {
      if (vocabulary.id_of(piece)) continue;
      throw std::runtime_error(
          fmt::format("merges.txt: '{} {}' needs the piece '{}', which vocab.json does not have; "
                      "are both files "
                      "of one model?",
                      left, right, piece));
    }
  }
}

}  // namespace

ordered_json bpe_model_json(const std::vector<std::pair<std::string, int32_t>>& vocab,
                            const std::vector<std::pair<std::string, std::string>>& merges) {
  ordered_json model = {{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", nullptr},
                        {"continuing_subword_prefix", ""},
                        {"end_of_word_suffix", ""},
                        {"fuse_unk", false},
                        {"byte_fallback", false},
                        {"ignore_merges", false}};
  ordered_json::object_t pieces;  // appended to directly: a lookup for each key would be slow
  pieces.reserve(vocab.size());
  for (const auto& [piece, id] : vocab) pieces.emplace_back(piece, id);
  ordered_json::array_t pairs;
  pairs.reserve(merges.size());
  for (const auto& [left, right] : merges) pairs.push_back(ordered_json::array({left, right}));
  model["vocab"] = std::move(pieces);
  model["merges"] = std::move(pairs);
  return model;
}

ordered_json byte_level_json(bool add_prefix_space, bool trim_offsets, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", trim_offsets},
          {"use_regex", use_regex}};
}

ordered_json split_json(std::string_view regex, std::string_view behaviour, bool invert) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", behaviour},
          {"invert", invert}};
}

std::pair<json, json> read_byte_bpe_files(std::string_view vocab_json,
                                          std::string_view merges_txt) {
  const Vocabulary vocabulary = read_vocab(vocab_json);
  const Merges merges = read_merges(merges_txt);
  check_merges(vocabulary, merges);
  json pieces = json::object(), pairs = json::array();
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = vocabulary.piece_of(id);
    if (!piece.empty()) pieces.emplace(piece, id);
  }
  for (const auto& [left, right] : merges) pairs.push_back(json::array({left, right}));
  return {std::move(pieces), std::move(pairs)};
}

std::string_view byte_bpe_class(const json& vocab) {
  const auto has = [&](const char* piece) { return vocab.contains(piece); };
  const bool suffix = std::any_of(vocab.items().begin(), vocab.items().end(),
                                  [](const auto& item) { return item.key().ends_with(kSuffix); });
  if (suffix && has("<|startoftext|>") && has("<|endoftext|>")) return "CLIPTokenizer";
  return has("<s>") && has("</s>") && has("<mask>") ? "RobertaTokenizer" : "GPT2Tokenizer";
}

void write_byte_bpe_files(const std::filesystem::path& folder, const json& document) {
  const json& model = fields::required(document, "model", "tokenizer.json");
  if (fields::text(model, "type", "model") != "BPE") {
    throw std::runtime_error("vocab.json and merges.txt hold BPE models only");
  }
  const Vocabulary vocabulary(fields::required(model, "vocab", "BPE"), "BPE");
  ordered_json::object_t pieces;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = vocabulary.piece_of(id);
    if (!piece.empty()) pieces.emplace_back(piece, id);
  }
  std::string merges = "#version: 0.2\n";
  size_t place = 0;
  for (const json& merge : fields::required(model, "merges", "BPE")) {
    const auto [left, right] = read_merge(merge, ++place);
    const std::string line = fmt::format("{} {}", left, right);
    if (std::count(line.begin(), line.end(), ' ') != 1 || line.find('\n') != std::string::npos) {
      throw std::runtime_error(fmt::format(
          "merges.txt cannot hold the merge '{}': a piece has a space or a line feed", line));
    }
    merges.append(line).append("\n");
  }
  write_file(folder / "vocab.json", ordered_json(std::move(pieces)).dump());
  write_file(folder / "merges.txt", merges);
}

}  // namespace zoo
