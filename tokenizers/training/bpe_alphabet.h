// What training of BPE and WordPiece begins with: the first ids, and the words written in them.
//
// As in the `tokenizers` package (BpeTrainer, WordPieceTrainer): first the special tokens, then the
// alphabet by code point, then the forms that characters take inside a word ("##a" for WordPiece)
// or at its end ("a</w>"). The package numbers those forms in the order of a hash table that is
// seeded anew in each run, so that its WordPiece ids differ from run to run, and with them which of
// two equally frequent pairs is merged first. Ours are in the order of the code points. Where
// `limit` cuts between characters of equal count the package is random as well; ours keeps those of
// lower code points.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tokenizers/training/word_counts.h"

namespace zoo {

struct BpeAlphabet {
  bool bytes = false;  ///< words are bytes, written in GPT-2's byte alphabet, of which all is kept
  std::string prefix = {};  ///< put before each character of a word but the first: WordPiece's "##"
  std::string suffix = {};  ///< put after the last character of a word: "</w>"
  size_t limit = 0;         ///< keeps that many of the most frequent characters; 0: all
  std::vector<std::string> special_tokens = {};  ///< the first ids; one given twice counts once
};

/// Pieces by id, and words as ids that lie behind one another.
struct BpeStart {
  struct Word {
    size_t begin;  ///< of its ids, in `ids`
    uint32_t size;
    uint64_t count;
  };
  std::vector<std::string> pieces;
  std::vector<uint32_t> ids;
  std::vector<Word> words;  ///< in the order of the counts; characters not kept are left out
};

/// `words` are valid UTF-8, unless they are bytes.
BpeStart start_bpe(const WordCounts& words, const BpeAlphabet& alphabet);

}  // namespace zoo
