// Grades a student's functions: each check's calls in the student's process, compared here.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "notebooks-cpp/exercises/grader/diagnose.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/student_process.h"

namespace exercises {

enum class State { kNotStarted, kNotReached, kPass, kFail, kTimeout, kCrash };

struct CheckResult {
  std::string part = {}, title = {};
  Kind kind = Kind::kValues;
  State state = State::kNotReached;
  int marks = 0, of = 0;
  std::string probe = {};    ///< the call that failed, as the exercise words it
  std::string message = {};  ///< what was wrong, one line
  std::string expected = {}, got = {}, where = {};
};

struct Grade {
  std::vector<CheckResult> checks = {};
  int marks = 0, of = 0;
  Diagnosis diagnosis = {};
  std::string not_a_number = {};  ///< the first call that gave nan instead of numbers
  Diagnosis cost = {};            ///< too slow, too much memory: named where all values are right
  std::string printed = {};
  std::set<std::string> operators = {};  ///< of torch, that the calls ran: "aten::softmax"
  double seconds = 0;
};

Grade grade(const Exercise& exercise, StudentProcess& student);

}  // namespace exercises
