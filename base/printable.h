// Numbers as people read them.
#pragma once
#include <cmath>
#include <limits>
#include <string>

namespace zoo {

/// What is printed wherever a value may be no number: "nan", never "-nan". The sign of a NaN says
/// which instruction made it, and differs between machines.
inline double printable(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// "1h 02m", "3m 20s", "12s"; "?" for what is no duration.
std::string format_duration(double seconds);

}  // namespace zoo
