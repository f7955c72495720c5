// Exercise 13: WordPiece. What to write: README.md beside this file. Grade it: scripts/grade.sh 13
#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"

// The longest start of `text` that is in the vocabulary with `prefix` before it; without prefix, or empty
std::string longest_piece(const std::string& text, const Vocabulary& vocabulary,
                          const std::string& prefix) {
  // TODO 13.1 (3 marks)
  throw NotDone("13.1");
}

// The pieces of a word, the second and later ones with ##; or only `unknown`
std::vector<std::string> wordpiece(const std::string& word, const Vocabulary& vocabulary,
                                   const std::string& unknown, int64_t max_characters) {
  // TODO 13.2 (7 marks)
  throw NotDone("13.2");
}
