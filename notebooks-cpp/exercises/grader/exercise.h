// An exercise as the grader knows it: calls with known answers, what each is worth, and the
// reference, which can also be asked to make the usual mistakes.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "notebooks-cpp/exercises/grader/shim.h"

namespace exercises {

/// Mistakes that the reference is asked to make, by their names in hints.md. Empty: none.
class Faults {
 public:
  Faults() = default;
  Faults(std::initializer_list<std::string_view> names) : names_(names) {}
  explicit Faults(std::vector<std::string_view> names) : names_(std::move(names)) {}
  bool operator[](std::string_view name) const;

 private:
  std::vector<std::string_view> names_;
};

/// One call of a student's function.
struct Probe {
  std::string function = {};  ///< its name in the shim
  std::string what = {};      ///< what is special, as a student reads it: "3 queries, 5 keys"
  Values arguments = {};      ///< floating-point tensors in float; the reference gets double

  torch::Tensor tensor(size_t n) const { return arguments.at(n).toTensor(); }
  int64_t integer(size_t n) const { return arguments.at(n).toInt(); }
  double real(size_t n) const { return arguments.at(n).toDouble(); }
  bool flag(size_t n) const { return arguments.at(n).toBool(); }
  std::string text(size_t n) const { return arguments.at(n).toStringRef(); }
};

/// What a check of its own says about an answer.
struct Verdict {
  std::string wrong = {};  ///< one line: expected, got; empty: the answer is right
  std::string fault = {};  ///< the misconception behind it, where the answer shows one
};

enum class Kind {
  kShape,       ///< shapes and types of the results only
  kValues,      ///< equal to the reference; no marks at all without one of these or of kOddSizes
  kGradients,   ///< gradients of floating-point arguments, for random gradients of the results
  kOddSizes,    ///< as kValues, where sizes are odd, one or zero, or masks are unusual
  kSideEffects  ///< arguments stay as they were; within `seconds` and `megabytes`
};

struct Check {
  std::string part = {};  ///< "07.2": the part of the file that it grades
  Kind kind = Kind::kValues;
  int marks = 0;
  std::string title = {};  ///< "a causal mask hides later keys"
  std::vector<Probe> probes = {};
  double tolerance = 1e-5;  ///< of the largest expected value, or of 1 where that is smaller
  double seconds = 5;       ///< of processor time, for each probe
  double megabytes = 0;     ///< kSideEffects: growth of the process during a probe; 0: no limit
  /// Instead of a comparison with the reference, where more than one answer is right.
  std::function<Verdict(const Probe&, const Value& answer)> verify = {};
};

/// A misconception that has a hint.
struct Fault {
  std::string name = {};  ///< as in hints.md: "softmax-over-queries"
  /// What shows it, with a number ("columns sum to 1"); fills {seen} in the hint.
  std::function<std::string(const Probe&, const Value& answer)> seen = {};
  bool alone = false;  ///< not tried together with another
};

struct Exercise {
  std::string name = {};  ///< its folder: "01_masked_softmax"
  /// The right answer, or with faults the wrong one. Arguments in double; may throw for a call that
  /// a fault makes impossible. Differentiable where gradients are checked.
  std::function<Value(const Probe&, const Faults&)> reference = {};
  std::vector<Fault> faults = {};
  std::vector<Check> checks = {};  ///< ten marks together
};

/// For namespace scope: `const bool added = add_exercise(make);`
bool add_exercise(Exercise (*make)());

/// Throws std::runtime_error for a name that is not there.
Exercise find_exercise(std::string_view name);

}  // namespace exercises
