// Old and usual names of options, what to do instead of others, and names that look alike.
#include "app/option_names.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "app/near_names.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

KnownOptions options(std::vector<std::string> names) {
  return {.has = [names](std::string_view name) { return std::ranges::count(names, name) > 0; },
          .names = names};
}

TEST(OptionNamesTest, OldAndUsualNamesStandForTodays) {
  const auto search = options({"file", "top", "model"});
  EXPECT_THAT(todays_name("sentences", search), Optional(std::string("file")));
  EXPECT_THAT(todays_name("top-n", search), Optional(std::string("top")));
  const auto training = options({"learning-rate", "context", "layers", "out"});
  EXPECT_THAT(todays_name("lr", training), Optional(std::string("learning-rate")));
  EXPECT_THAT(todays_name("output_dir", training), Optional(std::string("out")));
  EXPECT_THAT(todays_name("block_size", training), Optional(std::string("context")));
  EXPECT_THAT(todays_name("learning_rate", training), Optional(std::string("learning-rate")));
}

TEST(OptionNamesTest, AProgramsOwnNameStays) {
  EXPECT_EQ(todays_name("top-k", options({"top-k", "top"})), std::nullopt);
  EXPECT_EQ(todays_name("top", options({"top"})), std::nullopt);
}

TEST(OptionNamesTest, NothingIsReplacedWhereTheProgramLacksTodaysName) {
  EXPECT_EQ(todays_name("sentences", options({"data"})), std::nullopt);
  // Only an image classifier called its architecture --model.
  EXPECT_EQ(todays_name("model", options({"architecture", "encoder-layers"})), std::nullopt);
  EXPECT_THAT(todays_name("model", options({"architecture", "patch-size"})),
              Optional(std::string("architecture")));
}

TEST(OptionNamesTest, SaysWhatToDoInsteadOfOtherOptions) {
  const auto training = options({"max-steps", "residual-dropout", "attention-dropout",
                                 "encoder-layers", "decoder-layers", "batch-tokens"});
  EXPECT_THAT(advice_for("epochs", training), HasSubstr("counted in updates: --max-steps"));
  EXPECT_THAT(advice_for("num_train_epochs", training), HasSubstr("--max-steps"));
  EXPECT_EQ(advice_for("dropout", training),
            "there are several: --residual-dropout, --attention-dropout");
  EXPECT_EQ(advice_for("n-layer", training),
            "there are several: --encoder-layers, --decoder-layers");
  EXPECT_THAT(advice_for("batch", training), HasSubstr("--batch-tokens"));
  EXPECT_EQ(advice_for("nonsense", training), "");
  EXPECT_EQ(advice_for("epochs", options({"file"})), "");
}

TEST(NearNamesTest, AreOrderedByDistance) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_THAT(near_names("layrs", {"heads", "layer", "layers"}, 5), ElementsAre("layers", "layer"));
  EXPECT_THAT(near_names("layrs", {"heads", "layer", "layers"}, 1), ElementsAre("layers"));
}

TEST(NearNamesTest, AShortNameIsLikeFewOthers) {
  EXPECT_THAT(near_names("temp", {"help", "seed"}, 5), IsEmpty());
}

}  // namespace
}  // namespace zoo
