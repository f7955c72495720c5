#include "tokenizers/training/bpe_alphabet.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr uint32_t kNoId = ~uint32_t{0};

/// Code points of the byte alphabet, by byte.
const std::array<char32_t, 256>& byte_codes() {
  static const auto codes = [] {
    std::array<char32_t, 256> found{};
    for (size_t b = 0; b < 256; ++b) {
      found[b] = utf8::first(byte_character(static_cast<uint8_t>(b))).code;
    }
    return found;
  }();
  return codes;
}

/// Calls f(code, first, last) for each character of a word.
template <class F>
void for_each_character(std::string_view word, bool bytes, F f) {
  for (size_t at = 0; at < word.size();) {
    const utf8::Character c =
        bytes ? utf8::Character{byte_codes()[static_cast<uint8_t>(word[at])], 1, true}
              : utf8::first(word.substr(at));
    f(c.code, at == 0, at + c.size == word.size());
    at += c.size;
  }
}

/// Ids by name, assigned in the order of the calls.
class Names {
 public:
  explicit Names(std::vector<std::string>& pieces) : pieces_(pieces) {}
  uint32_t id_of(std::string name) {
    const auto [known, is_new] = ids_.emplace(name, static_cast<uint32_t>(pieces_.size()));
    if (is_new) pieces_.push_back(std::move(name));
    return known->second;
  }
  bool has(const std::string& name) const { return ids_.contains(name); }

 private:
  std::vector<std::string>& pieces_;
  std::unordered_map<std::string, uint32_t> ids_;
};

class Starter {
 public:
  Starter(const WordCounts& words, const BpeAlphabet& alphabet)
      : words_(words), alphabet_(alphabet), names_(start_.pieces) {}

  BpeStart run() {
    for (const std::string& token : alphabet_.special_tokens) names_.id_of(token);
    make_alphabet();
    make_forms();
    write_words();
    return std::move(start_);
  }

 private:
  using Form = size_t;
  static Form form(bool first, bool last) { return (first ? 0 : 1) + (last ? 2 : 0); }

  void make_alphabet() {
    std::vector<uint64_t> counts;  // by code point
    const auto add = [&](char32_t code, uint64_t count) {
      if (code >= counts.size()) counts.resize(code + size_t{1});
      counts[code] += count;
    };
    for (size_t i = 0; i < words_.size(); ++i) {
      for_each_character(words_.word(i), alphabet_.bytes,
                         [&](char32_t code, bool, bool) { add(code, words_.count(i)); });
    }
    if (alphabet_.bytes) {
      for (const char32_t code : byte_codes()) add(code, 1);
    }
    std::vector<char32_t> kept;
    for (char32_t code = 0; code < counts.size(); ++code) {
      if (counts[code] > 0) kept.push_back(code);
    }
    const std::vector<char32_t> seen = kept;
    if (alphabet_.limit > 0 && !alphabet_.bytes && kept.size() > alphabet_.limit) {
      std::stable_sort(kept.begin(), kept.end(),
                       [&](char32_t a, char32_t b) { return counts[a] > counts[b]; });
      kept.resize(alphabet_.limit);
      std::sort(kept.begin(), kept.end());
    }
    for (const char32_t code : kept) names_.id_of(utf8::encode(code));
    known_.assign(counts.size(), false);  // seen characters with a piece, special tokens included
    for (const char32_t code : seen) known_[code] = names_.has(utf8::encode(code));
  }

  // In order of code points; for each character the form inside a word comes first.
  void make_forms() {
    for (auto& ids : ids_) ids.assign(known_.size(), kNoId);
    for (size_t i = 0; i < words_.size(); ++i) {
      each_known(i, [&](char32_t code, Form f) { ids_[f][code] = 0; });
    }
    for (char32_t code = 0; code < known_.size(); ++code) {
      if (!known_[code]) continue;
      for (Form f = 0; f < kForms; ++f) {
        if (ids_[f][code] == kNoId) continue;
        std::string name = utf8::encode(code);
        if ((f & 1) != 0) name.insert(0, alphabet_.prefix);
        if ((f & 2) != 0) name += alphabet_.suffix;
        ids_[f][code] = names_.id_of(std::move(name));
      }
    }
  }

  void write_words() {
    start_.words.reserve(words_.size());
    for (size_t i = 0; i < words_.size(); ++i) {
      const size_t begin = start_.ids.size();
      each_known(i, [&](char32_t code, Form f) { start_.ids.push_back(ids_[f][code]); });
      start_.words.push_back(
          {begin, static_cast<uint32_t>(start_.ids.size() - begin), words_.count(i)});
    }
  }

  template <class F>
  void each_known(size_t word, F f) const {
    for_each_character(words_.word(word), alphabet_.bytes,
                       [&](char32_t code, bool first, bool last) {
                         if (known_[code]) f(code, form(first, last));
                       });
  }

  static constexpr Form kForms = 4;
  const WordCounts& words_;
  const BpeAlphabet& alphabet_;
  BpeStart start_;
  Names names_;
  std::vector<bool> known_;                        // by code point: whether words keep it
  std::array<std::vector<uint32_t>, kForms> ids_;  // by form and code point
};

}  // namespace

BpeStart start_bpe(const WordCounts& words, const BpeAlphabet& alphabet) {
  return Starter(words, alphabet).run();
}

}  // namespace zoo
