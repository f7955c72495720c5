// Values that functions take and give: copies in double, shapes, and the comparison of two.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "notebooks-cpp/exercises/grader/shim.h"

namespace exercises {

/// The value with each tensor, also those inside lists and tuples, replaced by change(tensor).
Value map_tensors(const Value& value, const std::function<at::Tensor(const at::Tensor&)>& change);

/// All tensors of a value, in order.
std::vector<at::Tensor> tensors_of(const Value& value);

/// The floating-point ones among them.
std::vector<at::Tensor> floats_of(const Value& value);

/// Floating-point tensors in double.
Value in_double(const Value& value);

/// Four significant digits.
std::string describe_number(double value);

/// "float [2, 3]", "(float [2, 3], 4)", "[1, 5, 5]": short enough for a line.
std::string describe(const Value& value);

struct Difference {
  std::string where = {};     ///< "row [1, 2]", "the second result"; empty: the whole
  std::string expected = {};  ///< what a student reads
  std::string got = {};
};

/// Where shapes or types differ first. A floating-point result in another precision is no difference.
std::optional<Difference> compare_shapes(const Value& expected, const Value& got);

/// Where values differ most, by more than tolerance times the largest expected value or 1; the
/// whole last row of that place. NaN equals NaN.
std::optional<Difference> compare_values(const Value& expected, const Value& got, double tolerance);

/// The largest difference in units of the largest expected value or 1; infinity where shapes differ.
double distance(const Value& expected, const Value& got);

}  // namespace exercises
