// Another way: tries every piece of the vocabulary instead of every length.
#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"

std::string longest_piece(const std::string& text, const Vocabulary& vocabulary,
                          const std::string& prefix) {
  std::string best;
  for (const auto& piece : vocabulary) {
    if (piece.size() <= prefix.size() || piece.compare(0, prefix.size(), prefix) != 0) continue;
    const auto rest = piece.substr(prefix.size());
    if (rest.size() > best.size() && text.compare(0, rest.size(), rest) == 0) best = rest;
  }
  return best;
}

std::vector<std::string> wordpiece(const std::string& word, const Vocabulary& vocabulary,
                                   const std::string& unknown, int64_t max_characters) {
  int64_t characters = 0;
  for (const unsigned char byte : word) characters += byte < 0x80 || byte >= 0xC0 ? 1 : 0;
  std::vector<std::string> pieces;
  std::string rest = characters > max_characters ? "" : word, prefix;
  if (rest.empty() && !word.empty()) return {unknown};
  while (!rest.empty()) {
    const auto piece = longest_piece(rest, vocabulary, prefix);
    if (piece == "") return std::vector<std::string>(1, unknown);
    pieces.push_back(prefix + piece);
    rest.erase(0, piece.size());
    prefix = "##";
  }
  return pieces;
}
