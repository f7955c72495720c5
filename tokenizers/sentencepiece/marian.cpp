#include "tokenizers/sentencepiece/marian.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_set>

#include "base/files.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr size_t kLargestGap = 1 << 20;  // from the vocabulary's end to an added token's id

SentencePieceTokenizer side_of(const std::string& bytes, const char* name) {
  try {
    return SentencePieceTokenizer(bytes);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", name, error.what()));
  }
}

json read_config(const std::string& text) {
  json config = fields::parse(text.empty() ? "{}" : text);
  if (!config.is_object()) {
    throw std::runtime_error("the tokenizer_config.json beside it is not a JSON object");
  }
  const json sampling = config.value("sp_model_kwargs", json::object());
  if (!sampling.empty()) {
    throw std::runtime_error(fmt::format(
        "tokenizer_config.json: sp_model_kwargs {} is not supported, only none", sampling.dump()));
  }
  const auto separate = config.find("separate_vocabs");
  if (separate != config.end() && *separate != json(false)) {
    throw std::runtime_error(
        "separate_vocabs (a target_vocab.json beside vocab.json) is not supported; known are "
        "models "
        "with one vocab.json");
  }
  return config;
}

/// A token in a configuration: its text, or an object with its text and flags.
AddedToken read_token(const json& token) {
  AddedToken read;
  const bool object = token.is_object() && token.contains("content");
  const json& text = object ? token["content"] : token;
  if (!text.is_string()) {
    throw std::runtime_error(
        fmt::format("tokenizer_config.json: expected a token's text, found {}", text.dump()));
  }
  read.text = text.get<std::string>();
  if (!object) return read;
  const auto flag = [&](const char* name) { return token.value(name, json()) == json(true); };
  read.single_word = flag("single_word");
  read.lstrip = flag("lstrip");
  read.rstrip = flag("rstrip");
  return read;
}

/// Like Python's str.strip.
std::string_view strip(std::string_view text) {
  const auto is_space = [](utf8::Character c) {
    const char32_t code = c.code;
    return c.valid &&
           ((code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
            code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
            code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000);
  };
  while (!text.empty() && is_space(utf8::first(text))) text.remove_prefix(utf8::first(text).size);
  while (!text.empty() && is_space(utf8::last(text))) text.remove_suffix(utf8::last(text).size);
  return text;
}

/// Size in bytes of the language code at the start of a text, such as ">>fra<<"; 0: none.
size_t language_code(std::string_view text) {
  if (!text.starts_with(">>")) return 0;
  const size_t end = text.find("<<");
  return end == std::string_view::npos ? 0 : end + 2;
}

}  // namespace

MarianTokenizer::MarianTokenizer(std::string source_model, std::string target_model,
                                 std::string vocab, std::string config, Side side)
    : source_model_(std::move(source_model)),
      target_model_(std::move(target_model)),
      vocab_(std::move(vocab)),
      config_(std::move(config)),
      source_(side_of(source_model_, "source.spm")),
      target_(side_of(target_model_, "target.spm")),
      side_(side) {
  read_vocabulary();
  read_special(read_config(config_));
  using Part = PostTemplate::Part;
  const Part a{.kind = Part::Kind::kA}, b{.kind = Part::Kind::kB};
  const Part end{.kind = Part::Kind::kId, .id = eos_};
  post_ = PostTemplate({a, end}, {a, b, end});
}

void MarianTokenizer::read_vocabulary() {
  const json vocabulary = fields::parse(vocab_);
  if (!vocabulary.is_object() || vocabulary.empty()) {
    throw std::runtime_error("vocab.json: expected a JSON object of pieces and ids");
  }
  std::vector<char> seen(vocabulary.size());
  pieces_.resize(vocabulary.size());
  for (const auto& [piece, id] : vocabulary.items()) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() < pieces_.size();
    const size_t at = fits ? id.get<size_t>() : 0;
    if (!fits || seen[at]) {
      throw std::runtime_error(
          fmt::format("vocab.json: id {} of '{}' is outside 0 to {} or given twice", id.dump(),
                      piece, pieces_.size() - 1));
    }
    seen[at] = 1;
    pieces_[at] = piece;
    ids_.emplace(piece, static_cast<int32_t>(at));
  }
  special_.resize(pieces_.size());
}

/// Returns the id of an added token; one that the vocabulary does not have gets the next id.
int32_t MarianTokenizer::add_token(AddedToken token, std::vector<AddedToken>& added) {
  const auto known = std::find_if(added.begin(), added.end(),
                                  [&](const AddedToken& a) { return a.text == token.text; });
  if (known != added.end()) {
    special_[static_cast<size_t>(known->id)] |= token.special;
    return known->id;
  }
  const auto [found, is_new] = ids_.emplace(token.text, vocab_size());
  if (is_new) {
    pieces_.push_back(token.text);
    special_.push_back(0);
  }
  token.id = found->second;
  special_[static_cast<size_t>(token.id)] |= token.special;
  added.push_back(std::move(token));
  return added.back().id;
}

void MarianTokenizer::read_special(const json& config) {
  std::vector<AddedToken> added = read_added(config);
  const auto token = [&](const char* key, const char* usual) -> std::optional<AddedToken> {
    const auto found = config.find(key);
    if (found != config.end() && !found->is_null()) return read_token(*found);
    return usual ? std::optional(read_token(usual)) : std::nullopt;
  };
  for (const auto& [key, usual] : {std::pair("unk_token", "<unk>"), {"pad_token", "<pad>"}}) {
    if (const std::string name = token(key, usual)->text; ids_.count(name) == 0) {
      throw std::runtime_error(fmt::format("vocab.json: expected {} '{}' in it", key, name));
    }
  }
  const auto role = [&](const char* key, const char* usual) {
    const auto found = token(key, usual);
    return found ? add_token(*found, added) : 0;
  };
  role("bos_token", nullptr);
  eos_ = role("eos_token", "</s>");
  unk_ = role("unk_token", "<unk>");
  role("sep_token", nullptr);
  pad_ = role("pad_token", "<pad>");
  for (const char* key : {"cls_token", "mask_token"}) role(key, nullptr);
  for (const char* key : {"extra_special_tokens", "additional_special_tokens"}) {
    const auto more = config.find(key);
    if (more == config.end() || !more->is_array()) continue;
    for (const json& extra : *more) add_token(read_token(extra), added);
    break;  // the second is the older name of the first
  }
  added_ = AddedTokens(std::move(added));
}

/// Reads added_tokens_decoder: {"7": {"content": "<pad>", "special": true, ...}}.
std::vector<AddedToken> MarianTokenizer::read_added(const json& config) {
  std::vector<AddedToken> added;
  const auto entries = config.find("added_tokens_decoder");
  if (entries == config.end() || !entries->is_object()) return added;
  for (const auto& [name, entry] : entries->items()) {
    AddedToken token = read_token(entry);
    const bool number = !name.empty() && name.size() < 10 &&
                        name.find_first_not_of("0123456789") == std::string::npos;
    const size_t id = number ? std::stoul(name) : std::numeric_limits<size_t>::max();
    if (id > pieces_.size() + kLargestGap || (id < pieces_.size() && pieces_[id] != token.text)) {
      throw std::runtime_error(fmt::format(
          "tokenizer_config.json: added token '{}' has id {}, which vocab.json does not give it",
          token.text, name));
    }
    if (id >= pieces_.size()) {
      pieces_.resize(id + 1);
      special_.resize(id + 1);
      pieces_[id] = token.text;
    }
    ids_[token.text] = token.id = static_cast<int32_t>(id);
    token.special = entry.is_object() && entry.value("special", json()) == json(true);
    special_[id] |= token.special;
    added.push_back(std::move(token));
  }
  return added;
}

void MarianTokenizer::encode_part(const AddedTokens::Part& part, bool details,
                                  Encoding& out) const {
  const int32_t first_word = out.words.empty() ? 0 : out.words.back() + 1;
  const auto add = [&](int32_t id, size_t begin, size_t end, int32_t word) {
    out.ids.push_back(id);
    if (!details) return;
    out.offsets.emplace_back(part.begin + begin, part.begin + end);
    out.words.push_back(first_word + word);
  };
  if (part.id) return add(*part.id, 0, part.text.size(), 0);
  const size_t code = language_code(part.text);
  if (code > 0) add(id_of(part.text.substr(0, code)).value_or(unk_), 0, code, 0);
  const SentencePieceTokenizer& model = side_ == Side::kSource ? source_ : target_;
  for (const auto& piece : model.pieces(part.text.substr(code))) {
    add(id_of(piece.text).value_or(unk_), code + piece.begin, code + piece.end,
        piece.word + (code > 0 ? 1 : 0));
  }
}

Encoding MarianTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  if (options.recognise_added) {
    for (const AddedTokens::Part& part : added_.split(text)) {
      encode_part(part, options.details, out);
    }
  } else {
    encode_part({.text = text}, options.details, out);
  }
  return finish_encoding(*this, std::move(out), options);
}

std::string MarianTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  std::vector<std::string> row;  // pieces since the last special token
  for (const int32_t id : ids) {
    std::string piece = piece_of(id);
    if (!is_special(id)) {
      row.push_back(std::move(piece));
      continue;
    }
    if (skip_special) continue;
    text += source_.join(row) + piece + " ";
    row.clear();
  }
  text = utf8::replace_all(text + source_.join(row), kMarkedSpace, " ");
  return std::string(strip(text));
}

std::string MarianTokenizer::piece_of(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw std::out_of_range(fmt::format(
        "marian tokenizer: id {} is outside the vocabulary (0 to {})", id, vocab_size() - 1));
  }
  return pieces_[static_cast<size_t>(id)];
}

std::string MarianTokenizer::bytes_of(int32_t id) const {
  std::string piece = piece_of(id);
  if (is_special(id)) return piece;
  const auto known = source_.id_of(piece);
  return known ? source_.bytes_of(*known) : utf8::replace_all(piece, kMarkedSpace, " ");
}

std::optional<int32_t> MarianTokenizer::id_of(std::string_view piece) const {
  const auto found = ids_.find(std::string(piece));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool MarianTokenizer::is_special(int32_t id) const {
  piece_of(id);  // throws for an invalid id
  return special_[static_cast<size_t>(id)] != 0;
}

void MarianTokenizer::save(const std::filesystem::path& folder) const {
  json config = {{"tokenizer_class", "MarianTokenizer"},
                 {"eos_token", piece_of(eos_)},
                 {"unk_token", piece_of(unk_)},
                 {"pad_token", piece_of(pad_)}};
  write_file(folder / "source.spm", source_model_);
  write_file(folder / "target.spm", target_model_);
  write_file(folder / "vocab.json", vocab_);
  write_file(folder / "tokenizer_config.json", config_.empty() ? config.dump(2) + "\n" : config_);
}

}  // namespace zoo
