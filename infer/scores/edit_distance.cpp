#include "infer/scores/edit_distance.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace zoo {
namespace {

constexpr int64_t kBeamWidth = 25, kOutOfReach = 10'000'000'000'000'000;

}  // namespace

EditDistance::EditDistance(WordIds reference) : reference_(std::move(reference)), rows_(1) {
  for (int64_t j = 0; j <= std::ssize(reference_); ++j) {
    rows_[0].cells.push_back({j, Edit::kInsert});
  }
}

EditDistance::Cell EditDistance::Row::at(int64_t j) const {
  if (j < begin || j >= begin + std::ssize(cells)) return {kOutOfReach, Edit::kUnknown};
  return cells[static_cast<size_t>(j - begin)];
}

/// Of equal costs the first wins: keep or replace, then delete, then insert.
void EditDistance::fill_row(int64_t i, double ratio, int64_t width) {
  const auto columns = std::ssize(reference_) + 1;
  const auto diagonal = static_cast<int64_t>(std::floor(static_cast<double>(i) * ratio));
  const bool is_last = i == std::ssize(hypothesis_);
  const int64_t end = is_last ? columns : std::min(columns, diagonal + width);
  const Row& above = rows_[static_cast<size_t>(i - 1)];
  Row row{.begin = std::max<int64_t>(0, diagonal - width), .cells = {}};
  for (int64_t j = row.begin; j < end; ++j) {
    Cell best{above.at(j).cost + 1, Edit::kDelete};
    if (j > 0) {
      const bool same =
          hypothesis_[static_cast<size_t>(i - 1)] == reference_[static_cast<size_t>(j - 1)];
      const int64_t replaced = above.at(j - 1).cost + (same ? 0 : 1);
      const int64_t inserted = row.at(j - 1).cost + 1;
      if (replaced <= best.cost) best = {replaced, same ? Edit::kKeep : Edit::kReplace};
      if (inserted < best.cost) best = {inserted, Edit::kInsert};
    }
    row.cells.push_back(best);
  }
  rows_[static_cast<size_t>(i)] = std::move(row);
}

int64_t EditDistance::operator()(const WordIds& hypothesis) {
  const double ratio = hypothesis.empty() ? 1.0
                                          : static_cast<double>(reference_.size()) /
                                                static_cast<double>(hypothesis.size());
  // Rows lie around the diagonal; where it is steep, they must be wide enough to meet.
  const int64_t width =
      kBeamWidth < ratio / 2 ? static_cast<int64_t>(std::ceil(ratio / 2 + kBeamWidth)) : kBeamWidth;
  // What the last hypothesis of this length began with, too, is known.
  int64_t known = 0;
  if (hypothesis.size() == hypothesis_.size()) {
    known = std::ranges::mismatch(hypothesis, hypothesis_).in1 - hypothesis.begin();
  }
  hypothesis_ = hypothesis;
  rows_.resize(hypothesis.size() + 1);
  for (int64_t i = known + 1; i <= std::ssize(hypothesis); ++i) fill_row(i, ratio, width);
  return rows_.back().at(std::ssize(reference_)).cost;
}

std::vector<Edit> EditDistance::edits() const {
  std::vector<Edit> edits;
  int64_t i = std::ssize(hypothesis_), j = std::ssize(reference_);
  while (i > 0 || j > 0) {
    const Edit edit = rows_[static_cast<size_t>(i)].at(j).edit;
    edits.push_back(edit);
    if (edit != Edit::kInsert) --i;
    if (edit != Edit::kDelete) --j;
  }
  std::ranges::reverse(edits);
  return edits;
}

}  // namespace zoo
