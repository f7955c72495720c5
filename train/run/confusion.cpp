#include "train/run/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/figures/matrix_figure.h"

namespace zoo {
namespace {

constexpr size_t kMostRows = 40;

/// A class by its row of the matrix.
struct Row {
  std::string name;
  int64_t pictures = 0, right = 0, wrong = 0;  // wrong: taken for the class below
  std::string taken_for;
  double share() const {
    return pictures > 0 ? static_cast<double>(right) / static_cast<double>(pictures) : 1.0;
  }
};

std::vector<Row> rows_of(const ConfusionMatrix& matrix) {
  const size_t K = matrix.class_names.size();
  std::vector<Row> rows;
  for (size_t i = 0; i < K; ++i) {
    Row row{.name = matrix.class_names[i], .taken_for = {}};
    for (size_t j = 0; j < K; ++j) {
      const int64_t count = matrix.counts[i * K + j];
      row.pictures += count;
      if (i == j) {
        row.right = count;
      } else if (count > row.wrong) {
        row.wrong = count;
        row.taken_for = matrix.class_names[j];
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Of each row, so that rare classes show as well.
std::vector<float> shares_of(const ConfusionMatrix& matrix) {
  const size_t K = matrix.class_names.size();
  std::vector<float> shares;
  for (size_t i = 0; i < K; ++i) {
    const auto row = matrix.counts.begin() + static_cast<ptrdiff_t>(i * K);
    const int64_t total =
        std::max<int64_t>(std::accumulate(row, row + static_cast<ptrdiff_t>(K), int64_t{0}), 1);
    for (size_t j = 0; j < K; ++j)
      shares.push_back(static_cast<float>(row[static_cast<ptrdiff_t>(j)]) /
                       static_cast<float>(total));
  }
  return shares;
}

}  // namespace

std::string confusion_table(const ConfusionMatrix& matrix) {
  auto rows = rows_of(matrix);
  const size_t classes = rows.size();
  if (classes > kMostRows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.share() < b.share(); });
    rows.resize(kMostRows);
  }
  std::string text =
      fmt::format("{:<24} {:>8} {:>8}  {}\n", "class", "pictures", "right", "most often taken for");
  for (const Row& row : rows) {
    text += fmt::format("{:<24} {:>8} {:>7.2f}%", row.name, row.pictures, 100.0 * row.share());
    if (row.wrong > 0) text += fmt::format("  {} ({})", row.taken_for, row.wrong);
    text += "\n";
  }
  if (classes > kMostRows)
    text += fmt::format("... {} more classes, in which more is right\n", classes - kMostRows);
  return text;
}

std::string confusion_html(const ConfusionMatrix& matrix) {
  const int K = static_cast<int>(matrix.class_names.size());
  std::vector<std::string> names;
  for (const auto& name : matrix.class_names) names.push_back(valid_utf8(name.substr(0, 20)));
  return matrix_html({names, names, "is", "taken for"},
                     heat_map(shares_of(matrix), K, K, 0.0f, 1.0f, 1));
}

}  // namespace zoo
