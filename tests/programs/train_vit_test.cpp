// train_vit and classify_image as a user runs them: from pictures to a model to labels, and one
// line for everything that can go wrong.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/data/image_files.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainVitTest : public ::testing::Test {
 protected:
  void SetUp() override { write_idx_folder(folder_ / "data", 40, 12); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Flags of a model that trains in no time, some of them changed.
  std::vector<std::string> tiny(const std::string& out, const Flags& changes = {}) const {
    Flags flags = {{"data", path("data")}, {"out", path(out)},       {"image-size", "4"},
                   {"patch-size", "2"},    {"layers", "1"},          {"heads", "2"},
                   {"d-model", "16"},      {"batch-size", "8"},      {"threads", "1"},
                   {"max-steps", "20"},    {"schedule-steps", "20"}, {"evaluate-every", "10"},
                   {"warmup-steps", "0"},  {"learning-rate", "1e-2"}};
    return flag_words(flags, changes);
  }
  static ProgramResult train(const std::vector<std::string>& flags) {
    return run_program("train_vit", flags);
  }
  void expect_error(const Flags& changes, int exit_code, const std::string& message) {
    expect_one_line(train(tiny("refused", changes)), exit_code, "train_vit", message);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  TemporaryFolder folder_;
};

// Flags that a model without attention has not.
const Flags kNoAttention = {{"patch-size", ""}, {"layers", ""}, {"heads", ""}, {"d-model", ""}};

TEST_F(TrainVitTest, LearnsAndLabelsPictures) {
  const auto result = train(tiny("run"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_file(folder_ / "run/metrics.jsonl"), HasSubstr("\"accuracy\": 1"));
  const std::string report = read_file(folder_ / "run/report.html");
  EXPECT_THAT(report, HasSubstr("Confusion matrix"));
  EXPECT_THAT(report, HasSubstr("most often taken for"));
  write_png(folder_ / "dark.png", plain_image(9, 7, 25, 25, 25));
  write_png(folder_ / "bright.png", plain_image(30, 40, 180, 180, 180));
  const auto labelled =
      run_program("classify_image", {"--model", path("run"), path("dark.png"), path("bright.png"),
                                     "--json", "--pixel-values", path("in.safetensors")});
  ASSERT_EQ(labelled.exit_code, 0) << labelled.err;
  const auto newline = labelled.out.find('\n');
  const auto dark = nlohmann::json::parse(labelled.out.substr(0, newline));
  const auto bright = nlohmann::json::parse(labelled.out.substr(newline));
  EXPECT_EQ(dark["labels"][0]["label"], "0");
  EXPECT_EQ(bright["labels"][0]["label"], "1");
  EXPECT_NEAR(dark["labels"][0]["score"].get<double>() + dark["labels"][1]["score"].get<double>(),
              1.0, 1e-6);
  EXPECT_EQ(run_program("forward", {"--model", path("run"), "--inputs", path("in.safetensors"),
                                    "--outputs", path("out.safetensors")})
                .exit_code,
            0);
}

TEST_F(TrainVitTest, DrawsTheRolloutAsPictureAndPage) {
  ASSERT_EQ(train(tiny("run", {{"max-steps", "1"}})).exit_code, 0);
  write_png(folder_ / "a.png", plain_image(9, 7, 25, 200, 25));
  for (const std::string file : {"rollout.png", "rollout.html"}) {
    const auto result = run_program("classify_image",
                                    {"--model", path("run"), path("a.png"), "--page", path(file)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_GT(fs::file_size(folder_ / file), 500u);
  }
}

TEST_F(TrainVitTest, ResumedRunEqualsTheWholeOne) {
  const Flags everything = {{"crop-padding", "1"},     {"rand-augment", "2"},
                            {"random-erasing", "0.3"}, {"mixup", "0.4"},
                            {"cutmix", "1"},           {"label-smoothing", "0.1"},
                            {"dropout", "0.1"},        {"loader-threads", "2"}};
  const auto run = [&](const std::string& out, const std::string& steps) {
    Flags flags = everything;
    flags["max-steps"] = steps;
    return train(tiny(out, flags)).exit_code;
  };
  EXPECT_EQ(run("whole", "20"), 0);
  EXPECT_EQ(run("parts", "10"), 0);
  const auto resumed = train({"--resume", path("parts"), "--max-steps", "20"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(TrainVitTest, TrainsEveryKindOfModelAndMeasuresIt) {
  for (const std::string kind : {"cct", "cnn", "linear"}) {
    Flags flags = kNoAttention;
    flags.insert({{"architecture", kind}, {"max-steps", "3"}, {"image-size", "8"}});
    const auto result = train(tiny(kind, flags));
    EXPECT_EQ(result.exit_code, 0) << kind << result.err;
    const auto measured = train({"--evaluate-only", path(kind)});
    EXPECT_EQ(measured.exit_code, 0) << measured.err;
    EXPECT_THAT(measured.out, HasSubstr("val accuracy "));
    const auto resumed = train({"--resume", path(kind), "--max-steps", "5"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  }
}

TEST_F(TrainVitTest, RunsBegunUnderTheOldNameOfTheArchitectureGoOn) {
  ASSERT_EQ(train(tiny("old", {{"max-steps", "3"}})).exit_code, 0);
  std::string recipe = read_file(folder_ / "old/run.toml");
  const std::string name = "architecture = ";
  ASSERT_NE(recipe.find(name), std::string::npos);
  write_file(folder_ / "old/run.toml", recipe.replace(recipe.find(name), name.size(), "model = "));
  const auto resumed = train({"--resume", path("old"), "--max-steps", "5"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("note: --model is now --architecture\n"));
}

TEST_F(TrainVitTest, AFractionOfThePicturesAndAPresetOfAnotherKind) {
  Flags flags = kNoAttention;
  flags.insert({{"preset", "resnet8"}, {"max-steps", "1"}, {"train-fraction", "0.2"}});
  const auto result = train(tiny("run", flags));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("8 images of 1 x 4 x 4"));
  EXPECT_THAT(result.out, HasSubstr("architecture = \"cnn\""));
}

TEST_F(TrainVitTest, WrongUsageAndUnusableDataAreOneLine) {
  expect_error({{"architecture", "guess"}}, 2, "vit, cct, cnn, linear");
  expect_error({{"architecture", "cnn"}}, 2, "means nothing to --architecture cnn");
  expect_error({{"preset", "huge"}}, 2, "resnet20");
  expect_error({{"batch-size", "0"}}, 2, "--batch-size must be 1 or more");
  expect_error({{"channels", "2"}}, 2, "--channels must be 1 or 3");
  expect_error({{"image-size", "100000"}}, 2, "--image-size must be 4096 or less");
  expect_error({{"train-fraction", "0"}}, 2, "--train-fraction must be in (0, 1]");
  expect_error({{"label-smoothing", "1"}}, 2, "--label-smoothing must be in [0, 1)");
  expect_error({{"mixup", "-1"}}, 2, "--mixup must be in [0, 4]");
  expect_error({{"cutmix", "nan"}}, 2, "--cutmix");
  expect_error({{"layers", "2147483647"}}, 2, "of memory, but");
  expect_error({{"data", path("nowhere")}}, 1, "no data at");
  write_file(folder_ / "data/train-labels-idx1-ubyte", idx({40}, std::string(40, '\0')));
  fs::remove(folder_ / "data/t10k-images-idx3-ubyte");
  expect_error({}, 1, "one class only");
  write_file(folder_ / "data/train-labels-idx1-ubyte", idx({3}, std::string(3, '\0')));
  expect_error({}, 1, "40 pictures, but 3 labels");
}

TEST_F(TrainVitTest, TheSmallestMixingEnds) {
  for (const std::string option : {"mixup", "cutmix"}) {
    const auto result = train(tiny(option, {{option, "1e-20"}, {"max-steps", "3"}}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(result.timed_out);
  }
}

TEST_F(TrainVitTest, SaysWhichValuesChangeNothing) {
  const auto result =
      train(tiny("run", {{"max-steps", "1"}, {"magnitude", "3"}, {"validation-share", "0.3"}}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("note: --magnitude changes nothing without --rand-augment"));
  EXPECT_THAT(result.err, HasSubstr("note: --validation-share changes nothing"));
}

TEST_F(TrainVitTest, DataOfOtherClassesIsRefused) {
  ASSERT_EQ(train(tiny("run", {{"max-steps", "1"}})).exit_code, 0);
  std::string labels = alternating(40);
  labels[7] = '\2';
  write_file(folder_ / "data/train-labels-idx1-ubyte", idx({40}, labels));
  expect_one_line(train({"--evaluate-only", path("run")}), 1, "train_vit",
                  "has 3 classes, the model has 2");
}

TEST_F(TrainVitTest, FineTuningSavesWhatItTrainedWith) {
  ASSERT_EQ(train(tiny("run", {{"max-steps", "1"}})).exit_code, 0);
  // Values as they come out of the file, out of the middle of a larger picture.
  write_file(folder_ / "run/preprocessor_config.json",
             R"({"do_resize": true, "size": {"height": 6, "width": 6}, "do_center_crop": true,
                 "crop_size": {"height": 4, "width": 4}, "do_normalize": false,
                 "rescale_factor": 0.0078431372549019607})");
  const auto tuned = train({"--init-from", path("run"), "--data", path("data"), "--out",
                            path("tuned"), "--max-steps", "1", "--threads", "1"});
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  const auto steps = nlohmann::json::parse(read_file(folder_ / "tuned/preprocessor_config.json"));
  EXPECT_EQ(steps["size"]["height"], 4);
  EXPECT_FALSE(steps.value("do_center_crop", false));
  EXPECT_NEAR(steps["image_mean"][0].get<double>(), 0.0, 1e-9);
  EXPECT_NEAR(steps["image_std"][0].get<double>(), 0.5, 1e-9);  // twice a value of 0 to 1
}

TEST_F(TrainVitTest, ClassifyImagesErrorsAreOneLine) {
  ASSERT_EQ(train(tiny("run", {{"max-steps", "1"}})).exit_code, 0);
  write_png(folder_ / "a.png", plain_image(2, 2, 1, 1, 1));
  write_file(folder_ / "b.png", read_file(folder_ / "a.png").substr(0, 40));
  const auto refused = [&](std::vector<std::string> flags, int code, const std::string& message) {
    flags.insert(flags.begin(), {"--model", path("run")});
    expect_one_line(run_program("classify_image", flags), code, "classify_image", message);
  };
  refused({path("nowhere.png")}, 1, "nowhere.png");
  refused({path("b.png")}, 1, "b.png");
  refused({path("a.png"), "--top", "0"}, 2, "--top must be 1 or more");
  refused({path("a.png"), "--page", path("x.jpg")}, 2, "must end in .png or .html");
  refused({path("a.png"), path("a.png"), "--page", path("x.png")}, 2, "one picture");
  refused({}, 2, "");
  const auto config = folder_ / "run/preprocessor_config.json";
  const std::string text = read_file(config);
  write_file(config, R"({"size": 7, "image_mean": 0.5, "image_std": 0.5})");
  refused({path("a.png")}, 1, "it makes pictures of 7 x 7, the model reads 4 x 4");
  write_file(config, R"({"size": 4})");
  refused({path("a.png")}, 1, "preprocessor_config.json");
  fs::remove(config);
  refused({path("a.png")}, 1, "preprocessor_config.json");
}

}  // namespace
}  // namespace zoo::testing
