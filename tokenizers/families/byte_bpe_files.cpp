#include "tokenizers/families/byte_bpe_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "app/files.h"
#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/algorithms/vocabulary.h"
#include "tokenizers/json_fields.h"
#include "tokenizers/tiktoken_patterns.h"
#include "tokenizers/tokenizer_json.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Merges = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kSuffix = "</w>";  // CLIP's, of the last piece of a word

Vocabulary read_vocab(std::string_view text) {
  const json parsed = fields::parse(text);
  if (parsed.is_discarded()) {
    throw std::runtime_error("vocab.json: not valid JSON; is the file whole?");
  }
  return Vocabulary(parsed, "vocab.json");
}

/// One merge a line. "#version: 0.2" stands first in most files; pieces may begin with # as well.
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

/// What differs between families.
struct Family {
  TokenizerJson parts;
  std::vector<AddedToken> added;
};

AddedToken special(const Vocabulary& vocabulary, std::string text, bool normalized,
                   bool lstrip = false) {
  const int32_t id = vocabulary.id_of(text).value();
  return {.id = id, .text = std::move(text), .lstrip = lstrip, .normalized = normalized};
}

ordered_json roberta_processing(const AddedToken& before, const AddedToken& after,
                                bool trim_offsets) {
  return {{"type", "RobertaProcessing"},
          {"sep", ordered_json::array({after.text, after.id})},
          {"cls", ordered_json::array({before.text, before.id})},
          {"trim_offsets", trim_offsets},
          {"add_prefix_space", false}};
}

Family byte_level_family() {
  return {.parts = {.normalizer = nullptr,
                    .pre_tokenizer = byte_level_json(false, true, true),
                    .post_processor = byte_level_json(true, false, true),
                    .decoder = byte_level_json(true, true, true),
                    .model = nullptr},
          .added = {}};
}

Family gpt2(const Vocabulary& vocabulary) {
  Family family = byte_level_family();
  if (vocabulary.id_of("<|endoftext|>")) {
    family.added.push_back(special(vocabulary, "<|endoftext|>", true));
  }
  return family;
}

Family roberta(const Vocabulary& vocabulary) {
  Family family = byte_level_family();
  for (const char* name : {"<s>", "<pad>", "</s>", "<unk>"}) {
    if (vocabulary.id_of(name)) family.added.push_back(special(vocabulary, name, true));
  }
  family.added.push_back(special(vocabulary, "<mask>", true, /*lstrip=*/true));
  family.parts.post_processor =
      roberta_processing(special(vocabulary, "<s>", true), special(vocabulary, "</s>", true), true);
  return family;
}

Family clip(const Vocabulary& vocabulary) {
  Family family;
  // Also for texts that write it in capitals, as the model's own file has it; not so the end.
  family.added.push_back(special(vocabulary, "<|startoftext|>", true));
  family.added.push_back(special(vocabulary, "<|endoftext|>", false));
  family.parts.normalizer = {
      {"type", "Sequence"},
      {"normalizers",
       ordered_json::array(
           {{{"type", "NFC"}},
            {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}},
            {{"type", "Lowercase"}}})}};
  family.parts.pre_tokenizer = {
      {"type", "Sequence"},
      {"pretokenizers", ordered_json::array({split_json(split_pattern("clip"), "Removed", true),
                                             byte_level_json(false, true, true)})}};
  family.parts.post_processor = roberta_processing(family.added[0], family.added[1], false);
  const auto replace = [](std::string_view from) -> ordered_json {
    return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", " "}};
  };
  family.parts.decoder = {
      {"type", "Sequence"},
      {"decoders",
       ordered_json::array({byte_level_json(true, true, true),
                            replace(kSuffix),
                            {{"type", "Strip"}, {"content", " "}, {"start", 0}, {"stop", 1}}})}};
  return family;
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
  ordered_json::object_t pieces;  // filled at its end: a search for each key would take long
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

ordered_json byte_bpe_document(std::string_view vocab_json, std::string_view merges_txt) {
  const Vocabulary vocabulary = read_vocab(vocab_json);
  const Merges merges = read_merges(merges_txt);
  check_merges(vocabulary, merges);
  std::vector<std::pair<std::string, int32_t>> vocab;
  bool suffix = false;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = vocabulary.piece_of(id);
    if (!piece.empty()) vocab.emplace_back(piece, id);
    suffix = suffix || piece.ends_with(kSuffix);
  }
  const auto has = [&](std::string_view piece) { return vocabulary.id_of(piece).has_value(); };
  const bool is_clip = suffix && has("<|startoftext|>") && has("<|endoftext|>");
  const bool is_roberta = !is_clip && has("<s>") && has("</s>") && has("<mask>");
  Family family = is_clip ? clip(vocabulary) : is_roberta ? roberta(vocabulary) : gpt2(vocabulary);
  ordered_json& model = family.parts.model = bpe_model_json(vocab, merges);
  if (is_clip) {
    model["unk_token"] = "<|endoftext|>";
    model["end_of_word_suffix"] = kSuffix;
  }
  return make_tokenizer_json(family.parts, std::move(family.added));
}

ordered_json read_byte_bpe_folder(const std::filesystem::path& folder) {
  return byte_bpe_document(read_file(folder / "vocab.json"), read_file(folder / "merges.txt"));
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
