// The table and the figure of a confusion matrix. No torch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace zoo {

/// counts[i * K + j]: images of class i that were classified as class j.
struct ConfusionMatrix {
  std::vector<std::string> class_names;  // K
  std::vector<int64_t> counts;           // K * K
};

/// One line per class: images, how many were right, the class they were most often classified as.
/// With more than 40 classes, the 40 with the lowest share of right ones.
std::string confusion_table(const ConfusionMatrix& matrix);

/// A figure for a page: rows are the true classes, columns the predictions; colours are shares of
/// the row.
std::string confusion_html(const ConfusionMatrix& matrix);

}  // namespace zoo
