// What a classifier takes for what: the table and the picture of a confusion matrix. No torch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace zoo {

/// counts[i * K + j]: pictures of class i that were taken for class j.
struct ConfusionMatrix {
  std::vector<std::string> class_names;  // K
  std::vector<int64_t> counts;           // K * K
};

/// One line a class: pictures, how many were right, the class they were most often taken for. Of
/// more than 40 classes the 40 with the smallest share of right ones.
std::string confusion_table(const ConfusionMatrix& matrix);

/// An SVG drawing: rows are the true classes, columns the answers; colours are shares of the row.
std::string confusion_svg(const ConfusionMatrix& matrix);

}  // namespace zoo
