// Claims: sentences about a number that was just measured, with the bound that it must keep.
#pragma once
#include <concepts>
#include <limits>
#include <stdexcept>
#include <string>

namespace nb {

/// The values that a claim allows, ends included.
struct Bound {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::string text = {};  ///< "64 to within 3", "at most 0.01", "from 1 to 2"

  bool holds(double value) const { return value >= least && value <= most; }
};

/// wanted - tolerance to wanted + tolerance
Bound near(double wanted, double tolerance);
Bound at_most(double value);
Bound at_least(double value);
Bound between(double least, double most);

namespace detail {
void claim_truth(const std::string& text, bool holds);
}

/// A claim that does not hold, in a notebook: the cell ends here.
struct ClaimFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Prints the claim with the measured value and whether it holds, and counts it. NaN never holds.
/// Where the environment variable NB_CLAIMS names a file, adds a line of JSON to it.
/// A claim that does not hold makes the lesson fail: in a notebook it throws ClaimFailed; in a
/// program the rest runs, and finish() returns 1.
void claim(const std::string& text, double measured, const Bound& bound);
/// The same for a statement that is true or false.
void claim(const std::string& text, std::same_as<bool> auto holds) {
  detail::claim_truth(text, holds);
}
/// A negative control, printed as [refuted]: it counts as a claim that holds if `measured` is
/// outside the bound, as the broken variant should be.
void refute(const std::string& text, double measured, const Bound& bound);

/// Prints how many claims there were and returns the program's exit code: 1 if one did not hold or
/// there was none. Counts from 0 again.
int finish();

}  // namespace nb
