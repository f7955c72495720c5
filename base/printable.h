// NaN in output.
#pragma once
#include <cmath>
#include <limits>
#include <string>

namespace zoo {

/// The value, or NaN without a sign: it prints as "nan", never "-nan". The sign of a NaN differs
/// between machines.
inline double printable(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// "1h 02m", "3m 20s", "12s"; "?" for what is no duration.
std::string format_duration(double seconds);

}  // namespace zoo
