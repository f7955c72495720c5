// Errors of options: plain names for libraries, dashes for the command line.
#include "base/option_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/option_checks.h"

namespace zoo {
namespace {

OptionError refusal() {
  try {
    require_option(false, "heads", 5, "a divisor of " + option_name("d-model"));
  } catch (const OptionError& error) {
    return error;
  }
  throw std::logic_error("nothing was thrown");
}

TEST(OptionErrorTest, NamesFieldsAndLeavesDashesToTheCommandLine) {
  const OptionError error = refusal();
  EXPECT_STREQ(error.what(), "heads must be a divisor of d-model, got 5");
  EXPECT_EQ(error.with_dashes(), "--heads must be a divisor of --d-model, got 5");
  EXPECT_EQ(error.field(), "heads");
}

TEST(OptionErrorTest, APartsOptionsHaveOtherNamesInTheWhole) {
  try {
    check_renamed({{"heads", "decoder-heads"}}, [] { throw refusal(); });
    FAIL() << "nothing was thrown";
  } catch (const OptionError& error) {
    EXPECT_EQ(error.with_dashes(), "--decoder-heads must be a divisor of --d-model, got 5");
    EXPECT_EQ(error.field(), "decoder-heads");
  }
}

TEST(OptionErrorTest, ValuesAreNotTakenForNames) {
  const OptionError error(option_name("tokenizer") + " must be a folder, got '--<unk>'");
  EXPECT_EQ(error.with_dashes(), "--tokenizer must be a folder, got '--<unk>'");
}

TEST(OptionChecksTest, NothingIsThrownWhereTheRuleHolds) {
  EXPECT_NO_THROW(require_option(true, "heads", 5, "1 or more"));
}

}  // namespace
}  // namespace zoo
