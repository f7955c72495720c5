// Texts for the tokenizers' tests: something to train on, and random Unicode.
#pragma once
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/text/utf8.h"
#include "tokenizers/training/trainers.h"

namespace zoo::testing {

/// Some 40 kB of sentences, code-like indentation and empty lines; the same on every call.
inline std::string small_text() {
  std::vector<std::string> words = {"the",  "ship", "harbour", "sleeps", "under", "one",
                                    "moon", "and",  "small",   "boats",  "drift", "home"};
  for (const char* first : {"ka", "lo", "mi", "su", "ter", "vin", "or", "que"}) {
    for (const char* second : {"da", "gle", "pry", "zen", "xo", "ful"}) {
      for (const char* third : {"na", "rim", "ob", "ely", "st"}) {
        words.push_back(std::string(first).append(second).append(third));
      }
    }
  }
  std::mt19937 random(7);
  std::string text;
  for (int line = 0; line < 1000; ++line) {
    text += line % 5 == 0 ? "    " : "";
    for (unsigned word = random() % 10; word > 0; --word) {
      text.append(words[random() % (random() % 4 != 0 ? 12 : words.size())]).append(" ");
    }
    text += line % 7 == 0 ? ".\n\n" : ",\n";
  }
  return text;
}

/// Any code points: ASCII, spaces, marks, emoji, private use, the last plane.
inline std::string random_unicode(std::mt19937& random) {
  constexpr char32_t kRanges[][2] = {{0, 0x7F},          {0x20, 0x20},        {0x80, 0x24F},
                                     {0x300, 0x36F},     {0x2000, 0x206F},    {0x2580, 0x259F},
                                     {0x4E00, 0x4E20},   {0xE000, 0xE010},    {0xFFF0, 0xFFFF},
                                     {0x1F600, 0x1F64F}, {0x10FFF0, 0x10FFFF}};
  std::string text;
  for (unsigned i = random() % 40; i > 0; --i) {
    const auto& range = kRanges[random() % std::size(kRanges)];
    text += utf8::encode(range[0] + random() % (range[1] - range[0] + 1));
  }
  return text;
}

inline std::string random_bytes(std::mt19937& random) {
  std::string bytes(random() % 60, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// As write_file, without waiting for the disk.
inline void write_quickly(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::unique_ptr<Tokenizer> train_on(const std::string& text, TokenizerTraining options) {
  const TemporaryFolder folder;
  write_quickly(folder / "text.txt", text);
  return train_tokenizer(options, {folder / "text.txt"});
}

constexpr int32_t kSmallVocabulary = 400;

/// Small, quick to train; trained once a program.
inline const Tokenizer& small_sentencepiece(TokenizerKind kind) {
  static const auto bpe = train_on(
      small_text(), {.kind = TokenizerKind::kSentencePieceBpe, .vocab_size = kSmallVocabulary});
  static const auto unigram = train_on(
      small_text(), {.kind = TokenizerKind::kSentencePieceUnigram, .vocab_size = kSmallVocabulary});
  return kind == TokenizerKind::kSentencePieceBpe ? *bpe : *unigram;
}

}  // namespace zoo::testing
