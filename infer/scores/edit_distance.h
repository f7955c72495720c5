// The edit distance of word sequences (Levenshtein 1966), and its edits: the inner loop of TER,
// which computes it again and again for one hypothesis with a few words moved.
#pragma once
#include <cstdint>
#include <vector>

namespace zoo {

/// Words are numbers, for fast comparison.
using WordIds = std::vector<int32_t>;

/// The edits from the hypothesis to the reference, word by word.
enum class Edit : uint8_t { kKeep, kReplace, kDelete, kInsert, kUnknown };

class EditDistance {
 public:
  explicit EditDistance(WordIds reference);
  /// Considers only cells within 25 words of the diagonal, like Tercom: for very different texts
  /// the result may be larger than the true distance.
  int64_t operator()(const WordIds& hypothesis);
  /// The edits of the last call, from the first word to the last.
  std::vector<Edit> edits() const;

 private:
  struct Cell {
    int64_t cost;
    Edit edit;
  };
  struct Row {  // the considered cells; all others are infinite
    int64_t begin = 0;
    std::vector<Cell> cells;
    Cell at(int64_t j) const;
  };
  void fill_row(int64_t i, double ratio, int64_t width);

  WordIds reference_, hypothesis_;
  std::vector<Row> rows_;  // rows_[i].at(j): of the first i words there and the first j here
};

}  // namespace zoo
