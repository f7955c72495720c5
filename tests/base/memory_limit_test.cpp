// What would not fit is said beforehand.
#include "base/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <stdexcept>

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(MemoryTest, ThereIsSome) {
  EXPECT_GT(memory_limit(), 1e6);
  EXPECT_TRUE(std::isfinite(memory_limit()));
}

TEST(MemoryTest, TheShellsLimitCounts) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = before;
  small.rlim_cur = rlim_t{1} << 32;
  if (::setrlimit(RLIMIT_AS, &small) != 0) GTEST_SKIP() << "the limit cannot be set";
  EXPECT_LE(memory_limit(), std::pow(2, 32));
  ::setrlimit(RLIMIT_AS, &before);
}

TEST(MemoryTest, WhatDoesNotFitIsRefusedInOneLine) {
  EXPECT_NO_THROW(require_memory(1e6, "the model", "choose a smaller one"));
  EXPECT_THAT([] { require_memory(1.76e13 * 1e6, "the model", "choose a smaller one"); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("the model needs at least 17.6 EB of memory, but "),
                        HasSubstr(" is all there is; choose a smaller one"))));
}

}  // namespace
}  // namespace zoo
