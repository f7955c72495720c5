// How a model is refused that claims sizes from another world.
#pragma once
#include <gmock/gmock.h>

#include <string>

namespace zoo::testing {

/// More than this machine's memory, or than the file has: which comes first depends on the machine.
inline ::testing::Matcher<std::string> too_large() {
  return ::testing::AnyOf(::testing::HasSubstr("of memory, but"),
                          ::testing::HasSubstr("more than the"));
}

}  // namespace zoo::testing
