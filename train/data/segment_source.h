// Consecutive segments of a text, for models with a segment memory: Dai et al. 2019
// (arXiv:1901.02860), §3.2.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "train/data/window_source.h"

namespace zoo {

/// Row b of a batch reads the b-th of `batch` equally long stretches of the text, segment by
/// segment. At their end all begin again. Rests shorter than a segment are not read.
class SegmentSource {
 public:
  /// Throws std::runtime_error if a stretch is shorter than a segment.
  SegmentSource(TokenRange range, int64_t batch, int64_t length);
  TextBatch next();
  /// Whether the next segments are the first of their stretches.
  bool at_beginning() const { return number_ == 0; }
  std::string state() const;             ///< the number of the next segment
  void restore(std::string_view state);  ///< throws std::runtime_error for anything else

 private:
  TokenRange range_;
  int64_t batch_, length_;
  int64_t stretch_ = 0, segments_ = 0;  // tokens of a row, and how many segments they are
  int64_t number_ = 0;
};

}  // namespace zoo
