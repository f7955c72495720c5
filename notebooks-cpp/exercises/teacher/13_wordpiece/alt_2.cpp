// Another way: recursion; an ordered set answers the look-ups.
#include <set>

#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"

std::string longest_piece(const std::string& text, const Vocabulary& vocabulary,
                          const std::string& prefix) {
  const std::set<std::string> known(vocabulary.begin(), vocabulary.end());
  std::string best;
  for (size_t end = 1; end <= text.size(); ++end)
    if (known.count(prefix + text.substr(0, end))) best = text.substr(0, end);
  return best;
}

static bool cut(const std::string& rest, const Vocabulary& vocabulary,
                std::vector<std::string>& pieces) {
  if (rest.empty()) return true;
  const std::string prefix = pieces.empty() ? "" : "##";
  const auto piece = longest_piece(rest, vocabulary, prefix);
  if (piece.empty()) return false;
  pieces.push_back(prefix + piece);
  return cut(rest.substr(piece.size()), vocabulary, pieces);
}

std::vector<std::string> wordpiece(const std::string& word, const Vocabulary& vocabulary,
                                   const std::string& unknown, int64_t max_characters) {
  int64_t later_bytes = 0;
  for (const char byte : word) later_bytes += (static_cast<unsigned char>(byte) >> 6) == 2;
  std::vector<std::string> pieces;
  const bool short_enough = static_cast<int64_t>(word.size()) - later_bytes <= max_characters;
  if (short_enough && cut(word, vocabulary, pieces)) return pieces;
  return {unknown};
}
