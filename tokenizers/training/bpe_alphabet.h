// The starting point for training BPE and WordPiece: the first ids, and the words written with
// them.
//
// As in the `tokenizers` package (BpeTrainer, WordPieceTrainer), the special tokens come first,
// then the alphabet by code point, then the forms of characters inside a word ("##a" for WordPiece)
// or at its end ("a</w>"). The package numbers those forms in the order of a hash table with a
// random seed. Its WordPiece ids therefore differ from run to run, and so does the choice between
// equally frequent pairs. Ours are in the order of the code points. If `limit` cuts between
// characters of equal count, the package's choice is random as well; ours keeps the lower code
// points.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tokenizers/training/word_counts.h"

namespace zoo {

struct BpeAlphabet {
  bool bytes = false;  ///< words are bytes, written in GPT-2's byte alphabet, all of which is kept
  std::string prefix = {};  ///< put before all characters of a word but the first: "##"
  std::string suffix = {};  ///< put after the last character of a word: "</w>"
  size_t limit = 0;         ///< number of characters to keep, the most frequent ones; 0: all
  std::vector<std::string> special_tokens = {};  ///< the first ids; repeats are ignored
};

/// Pieces by id, and words as consecutive ids.
struct BpeStart {
  struct Word {
    size_t begin;  ///< of the word's ids in `ids`
    uint32_t size;
    uint64_t count;
  };
  std::vector<std::string> pieces;
  std::vector<uint32_t> ids;
  std::vector<Word> words;  ///< in the order of the counts; characters not kept are left out
};

/// `words` must be valid UTF-8, unless `alphabet.bytes`.
BpeStart start_bpe(const WordCounts& words, const BpeAlphabet& alphabet);

}  // namespace zoo
