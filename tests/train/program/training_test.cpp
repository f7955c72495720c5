// What every training program does with its command line, shown by a family of one option each.
#include "train/program/training.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "base/files.h"
#include "base/usage_error.h"
#include "tests/support/temporary_folder.h"
#include "train/program/command_line.h"
#include "train/program/usage.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

struct PointOptions {
  int64_t width = 0, rows = 3;
  double dropout = 0.0;
  int64_t copies = 1, guesses = 1;
  bool guess = false;
};
template <class Visitor>
void visit(PointOptions& o, Visitor&& v) {
  v("width", o.width, "");
  v("rows", o.rows, "");
  v("dropout", o.dropout, "");
  v("copies", o.copies, "");
  v("guesses", o.guesses, "");
  v("guess", o.guess, "");
}

/// Learns to copy or to guess.
class PointTraining final : public Training {
 public:
  PointTraining() : Training({.family = "point", .description = "", .objective_alias = "loss"}) {}
  void apply_preset(const std::string&) override { options_.rows = 9; }
  std::string objective_name() const { return std::string(objective().name); }
  PointOptions options_;

 protected:
  void declare_options(CLI::App& app) override { add_options(app, "Model", options_); }
  std::vector<Objective> objectives() override {
    return {{.name = "copy", .what = "the same", .options = {"copies"}, .make_task = {}},
            {.name = "guess",
             .what = "another",
             .options = {"guesses"},
             .lacks_validation = [] { return std::string("guesses above 2"); },
             .make_task = {}}};
  }
  void check_options() const override {}
  std::vector<AttentionUse> attention() const override { return {}; }
  std::string implied_objective() const override { return options_.guess ? "guess" : ""; }
  int64_t& batch() override { return options_.rows; }
  void take_model(const std::filesystem::path&) override {}
  void check_model() override {}
  ModelCost cost() const override { return {}; }
  NameMap names_on_disk() const override { return {}; }
};

TrainCommand parse(Training& training, std::vector<const char*> words) {
  words.insert(words.begin(), "train_point");
  return parse_train_command(training, static_cast<int>(words.size()), words.data());
}

std::string objective_of(const std::vector<const char*>& words) {
  PointTraining training;
  parse(training, words);
  return training.objective_name();
}

std::string refusal(const std::vector<const char*>& words) {
  PointTraining training;
  try {
    parse(training, words);
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

TEST(TrainingTest, AnObjectiveIsNamedImpliedOrTheFirstOfTheTable) {
  EXPECT_EQ(objective_of({}), "copy");
  EXPECT_EQ(objective_of({"--objective", "guess"}), "guess");
  EXPECT_EQ(objective_of({"--loss", "guess"}), "guess");
  EXPECT_EQ(objective_of({"--guess"}), "guess");
  EXPECT_EQ(refusal({"--objective", "copy", "--guess"}),
            "--objective copy: other options ask for --objective guess; name that one, or leave "
            "them out");
  EXPECT_EQ(objective_of({"--objective", "guess", "--guess"}), "guess");
  EXPECT_THAT(refusal({"--objective", "learn"}),
              AllOf(HasSubstr("unknown objective 'learn'"), HasSubstr("copy, guess")));
}

TEST(TrainingTest, AnObjectiveRefusesTheOptionsOfAnother) {
  EXPECT_EQ(refusal({"--guesses", "2"}),
            "--guesses means nothing to --objective copy; leave it out, or choose --objective "
            "guess");
  EXPECT_THAT(refusal({"--objective", "guess", "--copies", "2"}), HasSubstr("--copies"));
  EXPECT_EQ(refusal({"--objective", "guess", "--guesses", "2"}), "");
  // The default passes: a run.toml names every option.
  EXPECT_EQ(refusal({"--guesses", "1"}), "");
}

TEST(TrainingTest, PatienceNeedsTheValidationDataOfTheObjective) {
  EXPECT_EQ(refusal({"--patience", "1"}), "");
  EXPECT_THAT(refusal({"--patience", "1", "--guess"}), HasSubstr("set --guesses above 2"));
}

TEST(TrainingTest, OnlyOtherValuesThanTheDefaultAreChanges) {
  PointTraining training;
  const auto command = parse(training, {"--rows", "3", "--dropout", "0.5", "--preset", "nine"});
  EXPECT_TRUE(command.has("rows") && command.has("dropout"));
  EXPECT_FALSE(command.changed("rows"));
  EXPECT_TRUE(command.changed("dropout"));
  EXPECT_FALSE(command.has("width") || command.changed("width"));
  EXPECT_EQ(training.options_.rows, 3);  // flags win over a preset
}

TEST(TrainingTest, TheOptionsThatDifferStandInTheOrderOfTheWhole) {
  PointTraining usual, other;
  EXPECT_EQ(parse(usual, {"--rows", "3"}).differing_text, "");
  const auto command = parse(other, {"--dropout", "0.5", "--seed", "7", "--width=2"});
  EXPECT_EQ(command.differing_text, "width = 2\ndropout = 0.5\nseed = 7\n");
  EXPECT_THAT(command.config_text, HasSubstr("rows = 3\n"));
}

TEST(TrainingTest, APresetDiffersFromTheDefaults) {
  PointTraining training;
  EXPECT_THAT(parse(training, {"--preset", "nine"}).differing_text, HasSubstr("rows = 9\n"));
}

TEST(TrainingTest, ARecipeUnderItsOldNameOfTheObjectiveIsRead) {
  testing::TemporaryFolder folder;
  const std::string recipe = (folder / "recipe.toml").string();
  write_file(recipe, "loss = \"guess\"\n");
  PointTraining training;
  const auto command = parse(training, {"--config", recipe.c_str()});
  EXPECT_EQ(training.objective_name(), "guess");
  EXPECT_THAT(command.config_text, HasSubstr("objective = \"guess\""));
}

}  // namespace
}  // namespace zoo
