// Exercise 13: WordPiece. What to write: README.md beside this file. Grade it: scripts/grade.sh 13
#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"

// The longest start of `text` that is in the vocabulary with `prefix` before it; without prefix, or empty
std::string longest_piece(const std::string& text, const Vocabulary& vocabulary,
                          const std::string& prefix) {
  // BEGIN SOLUTION 13.1 (3)
  for (size_t size = text.size(); size > 0; --size) {
    const std::string start = text.substr(0, size);
    if (std::find(vocabulary.begin(), vocabulary.end(), prefix + start) != vocabulary.end())
      return start;
  }
  return "";
  // END SOLUTION
}

// The pieces of a word, the second and later ones with ##; or only `unknown`
std::vector<std::string> wordpiece(const std::string& word, const Vocabulary& vocabulary,
                                   const std::string& unknown, int64_t max_characters) {
  // BEGIN SOLUTION 13.2 (7)
  const auto begins = [](char byte) { return (byte & 0xC0) != 0x80; };  // a UTF-8 character
  if (std::count_if(word.begin(), word.end(), begins) > max_characters) return {unknown};
  std::vector<std::string> pieces;
  for (size_t at = 0; at < word.size();) {
    const std::string prefix = at == 0 ? "" : "##";
    const auto piece = longest_piece(word.substr(at), vocabulary, prefix);
    if (piece.empty()) return {unknown};  // for the whole word
    pieces.push_back(prefix + piece);
    at += piece.size();
  }
  return pieces;
  // END SOLUTION
}
