// What the bodies of process tests share.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/train/processes/process_runner.h"
#include "train/processes/join.h"

namespace zoo {

/// Joins as the environment says; ZOO_TEST_TIMEOUT in seconds.
inline std::unique_ptr<Processes> join_for_test(ProcessOptions options = {}) {
  options.program = "body";
  options.timeout =
      std::chrono::milliseconds(static_cast<int64_t>(1000 * variable_or("ZOO_TEST_TIMEOUT", 30)));
  return join_processes(process_environment(), options);
}

/// For bodies: tests' macros do not reach the parent.
inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

inline void expect_all_good(const std::vector<ProcessEnd>& ends) {
  for (size_t rank = 0; rank < ends.size(); ++rank) {
    EXPECT_EQ(ends[rank].code, 0) << "rank " << rank << ": " << ends[rank].errors;
    EXPECT_EQ(ends[rank].errors, "") << "rank " << rank;
  }
}

/// One line, no backtrace, exit code 1.
inline void expect_one_line(const ProcessEnd& end, const std::string& part) {
  EXPECT_EQ(end.code, 1) << end.errors;
  EXPECT_THAT(end.errors, testing::HasSubstr(part));
  EXPECT_EQ(std::count(end.errors.begin(), end.errors.end(), '\n'), 1) << end.errors;
}

}  // namespace zoo
