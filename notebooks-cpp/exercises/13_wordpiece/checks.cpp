// 13: WordPiece's greedy cut of a word.
#include <algorithm>

#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_13 {
namespace {

using Words = std::vector<std::string>;

bool known(const Words& vocabulary, const std::string& piece) {
  return std::find(vocabulary.begin(), vocabulary.end(), piece) != vocabulary.end();
}

std::string longest(const std::string& text, const Words& vocabulary, const std::string& prefix,
                    const Faults& faults) {
  std::string best;
  for (size_t size = 1; size <= text.size(); ++size) {
    const auto start = text.substr(0, size);
    // A loop that grows the piece stops at the first gap.
    const bool there = known(vocabulary, (faults["prefix-ignored"] ? "" : prefix) + start);
    if (there && (best.empty() || !faults["shortest"])) best = start;
    if (!there && faults["stops-at-gap"]) break;
  }
  return best.empty() || !faults["prefix-kept"] ? best : prefix + best;
}

/// Any cut into known pieces, the longest first piece first.
bool cut_somehow(const std::string& rest, const Words& vocabulary, Words& pieces) {
  if (rest.empty()) return true;
  const std::string prefix = pieces.empty() ? "" : "##";
  for (size_t size = rest.size(); size > 0; --size) {
    if (!known(vocabulary, prefix + rest.substr(0, size))) continue;
    pieces.push_back(prefix + rest.substr(0, size));
    if (cut_somehow(rest.substr(size), vocabulary, pieces)) return true;
    pieces.pop_back();
  }
  return false;
}

bool too_long(const std::string& word, int64_t most, const Faults& faults) {
  if (faults["length-ignored"]) return false;
  const auto begins = [](char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; };
  const auto size = faults["bytes-counted"]
                        ? static_cast<int64_t>(word.size())
                        : static_cast<int64_t>(std::count_if(word.begin(), word.end(), begins));
  return faults["length-one-short"] ? size >= most : size > most;
}

Words wordpiece(const std::string& word, const Words& vocabulary, const std::string& unknown,
                int64_t most, const Faults& faults) {
  if (too_long(word, most, faults)) return {unknown};
  Words pieces;
  if (faults["goes-back"]) return cut_somehow(word, vocabulary, pieces) ? pieces : Words{unknown};
  for (size_t at = 0; at < word.size();) {
    const std::string prefix = at == 0 ? "" : "##";
    auto piece = longest(word.substr(at), vocabulary, prefix, faults);
    if (piece.empty()) {
      if (faults["keeps-the-start"]) {
        pieces.push_back(unknown);
        return pieces;
      }
      if (!faults["unknown-per-character"]) return {unknown};
      pieces.push_back(unknown);
      do ++at;
      while (at < word.size() && (static_cast<uint8_t>(word[at]) & 0xC0) == 0x80);
      continue;
    }
    pieces.push_back(faults["written-without-mark"] ? piece : prefix + piece);
    at += piece.size();
  }
  return pieces;
}

Value reference(const Probe& probe, const Faults& faults) {
  const auto vocabulary = probe.arguments.at(1).to<Words>();
  if (probe.function == "longest_piece")
    return longest(probe.text(0), vocabulary, probe.text(2), faults);
  return wordpiece(probe.text(0), vocabulary, probe.text(2), probe.integer(3), faults);
}

std::string answered(const Probe& probe, const Value& answer) {
  const auto word = probe.text(0);
  return (word.size() > 20 ? std::to_string(word.size()) + " letters become "
                           : word + " becomes ") +
         describe(answer);
}

const Words kVocabulary = {"[UNK]", "un",   "unaff", "play",  "p",     "##able", "##aff", "##ing",
                           "##a",   "##b",  "##i",   "##ngs", "##lay", "able",   "ing",   "##é",
                           "caf",   "##fé", "ca",    "##t",   "c",     "##at"};

Probe piece(const std::string& what, const std::string& text, const std::string& prefix) {
  return {"longest_piece", what, {text, kVocabulary, prefix}};
}

Probe cut(const std::string& what, const std::string& word, int64_t most = 100) {
  return {"wordpiece", what, {word, kVocabulary, "[UNK]", most}};
}

Exercise make() {
  return {.name = "13_wordpiece",
          .reference = reference,
          .faults = {{"shortest", answered},
                     {"stops-at-gap", answered},
                     {"prefix-ignored", answered},
                     {"prefix-kept", answered},
                     {"length-ignored", answered},
                     {"bytes-counted", answered},
                     {"length-one-short", answered},
                     {"goes-back", answered},
                     {"keeps-the-start", answered},
                     {"unknown-per-character", answered},
                     {"written-without-mark", answered}},
          .checks = {
              {"13.1",
               Kind::kValues,
               2,
               "the longest start of a text",
               {piece("unaffable, no prefix", "unaffable", ""), piece("ables, ##", "ables", "##"),
                piece("lays, ##", "lays", "##"), piece("playing, no prefix", "playing", "")}},
              {"13.1",
               Kind::kOddSizes,
               1,
               "no piece fits, an empty text",
               {piece("zoo, no prefix", "zoo", ""), piece("play, ##", "play", "##"),
                piece("an empty text", "", "##"), piece("cat, no prefix", "cat", "")}},
              {"13.2",
               Kind::kValues,
               3,
               "words and their pieces",
               {cut("playing", "playing"), cut("unaffable", "unaffable"), cut("cab", "cab")}},
              {"13.2",
               Kind::kValues,
               1,
               "one unknown token for a whole word",
               {cut("unzip", "unzip"), cut("zoo", "zoo"), cut("playings: greedy fails", "playings"),
                cut("play, one piece", "play")}},
              {"13.2",
               Kind::kOddSizes,
               2,
               "the longest word, characters of two bytes, an empty word",
               {cut("playing, at most 7 characters", "playing", 7),
                cut("playing, at most 6 characters", "playing", 6),
                cut("café, at most 4 characters", "café", 4), cut("an empty word", "")}},
              {"13.2",
               Kind::kSideEffects,
               1,
               "a word of 401 letters takes under a second",
               {cut("p and 400 times a", "p" + std::string(400, 'a'), 500)},
               0,
               1},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_13
