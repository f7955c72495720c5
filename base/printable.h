// Numbers as people read them.
#pragma once
#include <cmath>
#include <limits>

namespace zoo {

/// What is printed wherever a value may be no number: "nan", never "-nan". The sign of a NaN says
/// which instruction made it, and differs between machines.
inline double printable(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

}  // namespace zoo
