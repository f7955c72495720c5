// The least number of words to insert, delete or replace (Levenshtein 1966), and which: the inner
// loop of TER, where the same hypothesis comes again and again with a few words moved.
#pragma once
#include <cstdint>
#include <vector>

namespace zoo {

/// Words are numbers here: comparing them is most of the work.
using WordIds = std::vector<int32_t>;

/// What makes the reference from the hypothesis, word by word.
enum class Edit : uint8_t { kKeep, kReplace, kDelete, kInsert, kUnknown };

class EditDistance {
 public:
  explicit EditDistance(WordIds reference);
  /// Looks only at cells within 25 words of the diagonal, as Tercom does, so that in very unlike
  /// texts the number may be larger than it need be.
  int64_t operator()(const WordIds& hypothesis);
  /// The edits of the last call, from the first word to the last.
  std::vector<Edit> edits() const;

 private:
  struct Cell {
    int64_t cost;
    Edit edit;
  };
  struct Row {  // the cells that are looked at; all others are out of reach
    int64_t begin = 0;
    std::vector<Cell> cells;
    Cell at(int64_t j) const;
  };
  void fill_row(int64_t i, double ratio, int64_t width);

  WordIds reference_, hypothesis_;
  std::vector<Row> rows_;  // rows_[i].at(j): of the first i words there and the first j here
};

}  // namespace zoo
