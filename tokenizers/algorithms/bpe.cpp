#include "tokenizers/algorithms/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tokenizers/algorithms/bpe_merges.h"
#include "tokenizers/algorithms/vocabulary_model.h"
#include "tokenizers/algorithms/word_cache.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int32_t kNoId = -1;

/// Affixes of a word's characters, and the treatment of characters that are not pieces.
struct Options {
  bool byte_level = false;
  std::string prefix, suffix;  ///< prefix: of all characters but the first; suffix: of the last
  std::optional<std::string> unk_token;
  bool fuse_unk = false, byte_fallback = false, ignore_merges = false;
};

class BpeModel final : public VocabularyModel {
 public:
  BpeModel(Vocabulary vocabulary, const json& merges, Options options);

  void encode(std::string_view word, std::vector<int32_t>& ids,
              std::vector<size_t>* ends) const override;

 private:
  void add_merges(const json& merges);
  void find_bytes();
  void find_whole_words();
  int32_t id_or_none(std::string_view piece) const {
    return vocabulary_.id_of(piece).value_or(kNoId);
  }
  void encode_new(std::string_view word, std::vector<int32_t>& ids,
                  std::vector<size_t>* ends) const;
  void split_bytes(std::string_view word, Symbol* symbols) const;
  void split_characters(std::string_view word, std::vector<Symbol>& symbols) const;
  bool add_bytes(std::string_view character, std::vector<Symbol>& symbols) const;

  Options options_;
  BpeMerges merges_;
  std::optional<PieceMap> whole_words_;  // keyed by bytes, for ignore_merges
  std::array<int32_t, 256> fallback_ = {};
  // For byte-level models: ids by byte, inside a word and at its end.
  std::array<int32_t, 256> inner_ = {}, last_ = {};
  uint32_t number_;  // of this model in the word cache
};

uint32_t next_number() {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

BpeModel::BpeModel(Vocabulary vocabulary, const json& merges, Options options)
    : VocabularyModel(std::move(vocabulary), options.unk_token),
      options_(std::move(options)),
      merges_(merges.size()),
      number_(next_number()) {
  add_merges(merges);
  find_bytes();
  if (options_.ignore_merges) find_whole_words();
}

void BpeModel::add_merges(const json& merges) {
  const size_t cut = options_.prefix.size();
  size_t place = 0;
  for (const json& merge : merges) {
    // A header line, as in merges.txt.
    if (merge.is_string() && merge.get_ref<const std::string&>().starts_with("#version")) continue;
    const auto [left, right] = read_merge(merge, ++place);
    if (right.size() < cut) {
      throw std::runtime_error(
          fmt::format("BPE: merge {} has '{}' on the right, which is shorter than the "
                      "continuing_subword_prefix",
                      place, right));
    }
    const std::string merged = left + right.substr(cut);
    int32_t ids[3];
    const std::string* const names[3] = {&left, &right, &merged};
    for (size_t i = 0; i < 3; ++i) {
      ids[i] = id_or_none(*names[i]);
      if (ids[i] != kNoId) continue;
      throw std::runtime_error(
          fmt::format("BPE: merge {} ('{}' and '{}') needs the piece '{}', which is not in the "
                      "vocabulary; merges and vocabulary must be of one model",
                      place, left, right, *names[i]));
    }
    merges_.add(ids[0], ids[1], ids[2]);
  }
}

void BpeModel::find_bytes() {
  for (int byte = 0; byte < 256; ++byte) {
    const auto index = static_cast<size_t>(byte);
    fallback_[index] = id_or_none(fmt::format("<0x{:02X}>", byte));
  }
  if (!options_.byte_level) return;
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string character(byte_character(static_cast<uint8_t>(byte)));
    inner_[byte] = id_or_none(character);
    last_[byte] = id_or_none(character + options_.suffix);
  }
}

void BpeModel::find_whole_words() {
  whole_words_.emplace();
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const std::string& piece = vocabulary_.piece_of(id);
    if (piece.empty()) continue;
    if (!options_.byte_level) {
      whole_words_->insert(piece, id);
    } else if (const auto bytes = from_byte_alphabet(piece)) {
      whole_words_->insert(*bytes, id);
    }
  }
}

void BpeModel::encode(std::string_view word, std::vector<int32_t>& ids,
                      std::vector<size_t>* ends) const {
  if (word.empty()) return;
  const WordCache::Entry* known = nullptr;
  if (word.size() <= WordCache::kLongestWord) {
    known = WordCache::of_this_thread().find(number_, word);
  }
  if (known == nullptr) return encode_new(word, ids, ends);
  for (size_t i = 0; i < known->count; ++i) {
    ids.push_back(known->ids[i]);
    if (ends != nullptr) ends->push_back(known->ends[i]);
  }
}

void BpeModel::encode_new(std::string_view word, std::vector<int32_t>& ids,
                          std::vector<size_t>* ends) const {
  if (word.size() > std::numeric_limits<uint32_t>::max()) {
    throw std::runtime_error("BPE: a word must have fewer than 4 GiB; cut the text before");
  }
  Symbol few[BpeMerges::kFew];
  std::vector<Symbol> many;
  Symbol* symbols = few;
  size_t count = word.size();
  const auto whole = whole_words_ ? whole_words_->find(word) : std::nullopt;
  if (whole) {
    few[0] = {*whole, static_cast<uint32_t>(word.size())};
    count = 1;
  } else if (options_.byte_level && count <= BpeMerges::kFew) {
    split_bytes(word, few);
    count = merges_.apply_few(few, count);
  } else {
    if (options_.byte_level) {
      many.resize(count);
      split_bytes(word, many.data());
    } else {
      split_characters(word, many);
    }
    merges_.apply(many);
    symbols = many.data();
    count = many.size();
  }
  size_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    ids.push_back(symbols[i].id);
    end += symbols[i].length;
    if (ends != nullptr) ends->push_back(end);
  }
  if (word.size() <= WordCache::kLongestWord && count <= WordCache::kMostIds &&
      end <= WordCache::kLastEnd) {
    WordCache::of_this_thread().make_room(word).set(number_, word, symbols, count);
  }
}

void BpeModel::split_bytes(std::string_view word, Symbol* symbols) const {
  for (size_t i = 0; i < word.size(); ++i) {
    symbols[i] = {inner_[static_cast<uint8_t>(word[i])], 1};
  }
  symbols[word.size() - 1].id = last_[static_cast<uint8_t>(word.back())];
}

// An unknown piece is held back until the next known one. As in the reference, byte pieces in
// between come before it.
void BpeModel::split_characters(std::string_view word, std::vector<Symbol>& symbols) const {
  std::optional<Symbol> unknown;
  const auto add_unknown = [&] {
    if (unknown) symbols.push_back(*unknown);
    unknown.reset();
  };
  for (size_t at = 0, size = 0; at < word.size(); at += size) {
    std::string character;
    const utf8::Character c = utf8::first(word.substr(at));
    size = c.size;
    character = c.valid ? std::string(word.substr(at, size)) : utf8::encode(c.code);
    if (at > 0) character.insert(0, options_.prefix);
    if (at + size == word.size()) character += options_.suffix;
    const auto length = static_cast<uint32_t>(size);
    if (const int32_t id = id_or_none(character); id != kNoId) {
      add_unknown();
      symbols.push_back({id, length});
    } else if (!(options_.byte_fallback && add_bytes(character, symbols)) && options_.unk_token) {
      if (!unk_id_) {
        throw std::runtime_error(fmt::format(
            "BPE: a text has the unknown character '{}', and the vocabulary no unk_token '{}'",
            fields::on_one_line(character), fields::on_one_line(*options_.unk_token)));
      }
      const uint32_t before = unknown && options_.fuse_unk ? unknown->length : 0;
      if (!options_.fuse_unk) add_unknown();
      unknown = Symbol{*unk_id_, before + length};
    }
  }
  add_unknown();
}

/// Returns false, and adds nothing, if the vocabulary lacks a byte.
bool BpeModel::add_bytes(std::string_view character, std::vector<Symbol>& symbols) const {
  const auto id_of_byte = [&](char c) { return fallback_[static_cast<uint8_t>(c)]; };
  for (const char c : character) {
    if (id_of_byte(c) == kNoId) return false;
  }
  for (const char c : character) symbols.push_back({id_of_byte(c), 1});
  return true;
}

std::string affix(const json& model, const char* key) {
  return fields::optional_text(model, key, "BPE").value_or("");
}

}  // namespace

std::pair<std::string, std::string> read_merge(const json& merge, size_t place) {
  if (merge.is_string()) {
    const auto& line = merge.get_ref<const std::string&>();
    const size_t space = line.find(' ');
    if (space != std::string::npos && line.find(' ', space + 1) == std::string::npos) {
      return {line.substr(0, space), line.substr(space + 1)};
    }
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    return {merge[0], merge[1]};
  }
  throw std::runtime_error(fmt::format(
      "BPE: merge {} must be two pieces with one space between, or an array of two", place));
}

bool has_every_byte(const json& model) {
  const auto vocab = model.find("vocab");
  if (vocab == model.end() || !vocab->is_object()) return false;
  if (!affix(model, "continuing_subword_prefix").empty()) return false;
  const std::string suffix = affix(model, "end_of_word_suffix");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string character(byte_character(static_cast<uint8_t>(byte)));
    if (!vocab->contains(character) || !vocab->contains(character + suffix)) return false;
  }
  return true;
}

std::unique_ptr<SubwordModel> make_bpe_model(const json& model, bool byte_level) {
  if (byte_level && !has_every_byte(model)) {
    throw std::runtime_error(
        "BPE: words of bytes need a vocabulary with every byte, inside a word and at its end");
  }
  const auto dropout = model.find("dropout");
  if (dropout != model.end() && !dropout->is_null() && *dropout != 0) {
    throw std::runtime_error("BPE: dropout is not supported; it must be null or 0");
  }
  const json& merges = fields::required(model, "merges", "BPE");
  if (!merges.is_array()) fields::fail("BPE", "merges", "an array", merges);
  Options options{.byte_level = byte_level,
                  .prefix = affix(model, "continuing_subword_prefix"),
                  .suffix = affix(model, "end_of_word_suffix"),
                  .unk_token = fields::optional_text(model, "unk_token", "BPE"),
                  .fuse_unk = fields::boolean(model, "fuse_unk", "BPE", false),
                  .byte_fallback = fields::boolean(model, "byte_fallback", "BPE", false),
                  .ignore_merges = fields::boolean(model, "ignore_merges", "BPE", false)};
  return std::make_unique<BpeModel>(Vocabulary(fields::required(model, "vocab", "BPE"), "BPE"),
                                    merges, std::move(options));
}

}  // namespace zoo
