#include "tokenizers/character.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr std::string_view kUnknown = "<unk>";
constexpr std::string_view kSequence[] = {"<pad>", "<s>", "</s>"};

// Any one character, line feeds included: a dot would leave those out.
OrderedJson split_between_characters() {
  return {{"type", "Split"},
          {"pattern", {{"Regex", "[\\s\\S]"}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

[[noreturn]] void fail_unknown(std::string_view text, size_t at, int32_t vocabulary) {
  const utf8::Character c = utf8::first(text);
  const std::string what = c.valid ? utf8::describe(c.code)
                                   : fmt::format("byte 0x{:02X}, which is not valid UTF-8,",
                                                 static_cast<uint8_t>(text[0]));
  throw std::runtime_error(fmt::format(
      "character tokenizer: {} at byte {} is not in the vocabulary of {}; leave it out, "
      "or make a tokenizer that knows it: train_tokenizer with such a text, or --unknown",
      what, at, vocabulary));
}

}  // namespace

CharacterTokenizer::CharacterTokenizer(std::u32string characters, const CharacterSpecials& specials)
    : characters_(std::move(characters)) {
  if (characters_.empty()) throw std::invalid_argument("character tokenizer: no characters");
  ids_.reserve(characters_.size());
  for (const char32_t code : characters_) {
    if (!ids_.emplace(code, static_cast<int32_t>(ids_.size())).second) {
      throw std::invalid_argument(
          fmt::format("character tokenizer: {} is given twice", utf8::describe(code)));
    }
  }
  if (specials.sequence) specials_.assign(std::begin(kSequence), std::end(kSequence));
  if (specials.unknown) specials_.emplace_back(kUnknown);
  unknown_ = special(kUnknown);
  std::vector<AddedToken> added;
  for (const auto& name : specials_) added.push_back({*special(name), name, true});
  if (!added.empty()) added_ = AddedTokens(std::move(added));
}

std::optional<int32_t> CharacterTokenizer::special(std::string_view name) const {
  const auto found = std::find(specials_.begin(), specials_.end(), name);
  if (found == specials_.end()) return std::nullopt;
  return first_special() + static_cast<int32_t>(found - specials_.begin());
}

void CharacterTokenizer::encode_part(const AddedTokens::Part& part, bool details,
                                     Encoding& out) const {
  const auto add = [&](int32_t id, size_t begin, size_t size) {
    out.ids.push_back(id);
    if (!details) return;
    out.offsets.emplace_back(part.begin + begin, part.begin + begin + size);
    out.words.push_back(static_cast<int32_t>(out.words.size()));  // each one a word
  };
  if (part.id) return add(*part.id, 0, part.text.size());
  for (size_t i = 0; i < part.text.size();) {
    const utf8::Character c = utf8::first(part.text.substr(i));
    const auto found = c.valid ? ids_.find(c.code) : ids_.end();
    if (found == ids_.end() && !unknown_) {
      fail_unknown(part.text.substr(i), part.begin + i, vocab_size());
    }
    add(found == ids_.end() ? *unknown_ : found->second, i, c.size);
    i += c.size;
  }
}

Encoding CharacterTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  out.ids.reserve(text.size());
  if (!options.recognise_added || added_.empty()) {
    encode_part({text, 0}, options.details, out);
  } else {
    for (const AddedTokens::Part& part : added_.split(text)) {
      encode_part(part, options.details, out);
    }
  }
  return finish_encoding(*this, std::move(out), options);
}

std::string CharacterTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  text.reserve(ids.size());
  for (const int32_t id : ids) {
    const std::string piece = piece_of(id);
    if (!skip_special || !is_special(id)) text += piece;
  }
  return text;
}

std::string CharacterTokenizer::piece_of(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw std::out_of_range(fmt::format(
        "character tokenizer: id {} is outside the vocabulary (0 to {})", id, vocab_size() - 1));
  }
  return is_special(id) ? specials_[static_cast<size_t>(id - first_special())]
                        : utf8::encode(characters_[static_cast<size_t>(id)]);
}

std::optional<int32_t> CharacterTokenizer::id_of(std::string_view piece) const {
  if (piece.empty()) return std::nullopt;
  if (const auto id = special(piece)) return id;
  const utf8::Character c = utf8::first(piece);
  const auto found = c.valid && c.size == piece.size() ? ids_.find(c.code) : ids_.end();
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

int32_t CharacterTokenizer::vocab_size() const {
  return first_special() + static_cast<int32_t>(specials_.size());
}

void CharacterTokenizer::save(const std::filesystem::path& folder) const {
  OrderedJson::object_t vocabulary;
  for (int32_t id = 0; id < vocab_size(); ++id) vocabulary.push_back({piece_of(id), id});
  TokenizerJson parts;
  parts.pre_tokenizer = split_between_characters();
  parts.decoder = {{"type", "Fuse"}};
  parts.post_processor = post_template_to_json(post_, [this](int32_t id) { return piece_of(id); });
  // Without "<unk>" in the vocabulary the package refuses an unknown character, as we do.
  parts.model = {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", kUnknown}};
  write_tokenizer_json(folder, make_tokenizer_json(parts, added_.all()), *this);
}

bool CharacterTokenizer::accepts(const nlohmann::json& tokenizer_json) {
  return tokenizer_json.at("model").at("type") == "WordLevel" &&
         tokenizer_json.value("pre_tokenizer", nlohmann::json()) ==
             nlohmann::json(split_between_characters());
}

std::unique_ptr<CharacterTokenizer> CharacterTokenizer::from_json(
    const nlohmann::json& tokenizer_json) {
  const nlohmann::json& vocabulary = tokenizer_json.at("model").at("vocab");
  const CharacterSpecials specials{.sequence = vocabulary.contains(kSequence[0]),
                                   .unknown = vocabulary.contains(kUnknown)};
  const size_t special_count = (specials.sequence ? std::size(kSequence) : 0) + specials.unknown;
  if (vocabulary.size() <= special_count)
    throw std::runtime_error("a vocabulary without characters");
  std::u32string characters(vocabulary.size() - special_count, U'\0');
  std::vector<bool> seen(vocabulary.size());
  for (const auto& [piece, value] : vocabulary.items()) {
    const auto id = value.get<int64_t>();
    if (id < 0 || id >= static_cast<int64_t>(vocabulary.size()) || seen[static_cast<size_t>(id)]) {
      throw std::runtime_error(fmt::format("id {} of '{}' is outside 0 to {} or given twice", id,
                                           piece, vocabulary.size() - 1));
    }
    seen[static_cast<size_t>(id)] = true;
    if (id >= static_cast<int64_t>(characters.size())) continue;  // checked below
    const utf8::Character c = piece.empty() ? utf8::Character{} : utf8::first(piece);
    if (!c.valid || c.size != piece.size()) {
      throw std::runtime_error(fmt::format("'{}' in the vocabulary is not one character", piece));
    }
    characters[static_cast<size_t>(id)] = c.code;
  }
  auto tokenizer = std::make_unique<CharacterTokenizer>(std::move(characters), specials);
  tokenizer->post_ = read_post_template(tokenizer_json.value("post_processor", nlohmann::json()));
  for (const auto& name : tokenizer->specials_) {
    if (vocabulary.value(name, -1) != *tokenizer->special(name))
      throw std::runtime_error(name + " is not among the last ids");
  }
  return tokenizer;
}

}  // namespace zoo
