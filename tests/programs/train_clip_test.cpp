// train_clip as a user runs it: drawn pictures, pairs from a file, resumed runs, and one line for
// everything that can go wrong.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/figures/heat_map.h"
#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainClipTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Flags of a model that trains in no time, some of them changed.
  std::vector<std::string> tiny(const std::string& out, const Flags& changes = {}) const {
    Flags flags = {{"task", "shapes"},          {"out", path(out)},      {"shapes", "64"},
                   {"validation-shapes", "32"}, {"image-size", "16"},    {"image-channels", "3"},
                   {"image-patch-size", "8"},   {"image-layers", "1"},   {"image-d-model", "16"},
                   {"image-heads", "2"},        {"text-layers", "1"},    {"text-d-model", "16"},
                   {"text-heads", "2"},         {"projection", "8"},     {"batch-size", "16"},
                   {"max-steps", "6"},          {"schedule-steps", "6"}, {"evaluate-every", "3"},
                   {"warmup-steps", "0"},       {"threads", "1"}};
    return flag_words(flags, changes);
  }
  static ProgramResult train(const std::vector<std::string>& flags) {
    return run_program("train_clip", flags);
  }
  void expect_error(const Flags& changes, int exit_code, const std::string& message) {
    expect_one_line(train(tiny("refused", changes)), exit_code, "train_clip", message);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  /// Flags for pairs of `lines` in a file beside two pictures, a.png and b.png.
  Flags pairs(const std::string& lines) const {
    for (const auto* name : {"a.png", "b.png"}) {
      Image image{.width = 9, .height = 7, .rgb = std::vector<uint8_t>(9 * 7 * 3, name[0])};
      write_png(folder_ / name, image);
    }
    write_file(folder_ / "pairs.tsv", lines);
    return {{"task", ""},
            {"shapes", ""},
            {"validation-shapes", ""},
            {"data", path("pairs.tsv")},
            {"validation-data", path("pairs.tsv")},
            {"tokenizer", "character"},
            {"batch-size", "2"}};
  }
  TemporaryFolder folder_;
};

TEST_F(TrainClipTest, TrainsOnDrawnPicturesAndLeavesAModel) {
  const auto result = train(tiny("run"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // 32 pictures of 16 things in four wordings each.
  EXPECT_THAT(result.out + result.err, HasSubstr("names 6.25 %"));
  const auto metrics = read_file(folder_ / "run/metrics.jsonl");
  for (const auto* name :
       {"zero_shot_accuracy", "recall_at_1", "image_recall_at_5", "text_recall_at_10"})
    EXPECT_THAT(metrics, HasSubstr(name));
  for (const auto* file :
       {"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"})
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  EXPECT_THAT(read_file(folder_ / "run/config.json"), HasSubstr("\"model_type\": \"clip\""));
  EXPECT_EQ(train({"--evaluate-only", path("run")}).exit_code, 0);
}

TEST_F(TrainClipTest, ResumedRunEqualsTheWholeOne) {
  const auto run = [&](const std::string& out, const std::string& steps) {
    return train(tiny(out, {{"max-steps", steps},
                            {"image-dropout", "0.1"},
                            {"chunk", "5"},
                            {"crop-padding", "2"},
                            {"rand-augment", "1"}}))
        .exit_code;
  };
  EXPECT_EQ(run("whole", "6"), 0);
  EXPECT_EQ(run("parts", "3"), 0);
  const auto resumed = train({"--resume", path("parts"), "--max-steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(TrainClipTest, GoesOnWithTheShapeAndTheTokenizerOfTheFirstRun) {
  const Flags cnn = {{"image-tower", "cnn"},      {"cnn-width", "4"},    {"image-patch-size", ""},
                     {"image-layers", ""},        {"image-d-model", ""}, {"image-heads", ""},
                     {"validation-shapes", "33"}, {"batch-size", "16"}};
  ASSERT_EQ(train(tiny("first", cnn)).exit_code, 0);
  const auto go_on = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--init-from", path("first"), "--task", "shapes", "--shapes", "33",
                               "--batch-size", "16", "--max-steps", "3", "--threads", "1"});
    return train(more);
  };
  const auto second = go_on({"--cnn-width", "4", "--out", path("second")});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  // 33 pairs: the one that is left over is no batch.
  EXPECT_EQ(read_file(folder_ / "second/metrics.jsonl").find("\"loss\": -0"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "second/metrics.jsonl").find("\"loss\": 0.0"), std::string::npos);
  expect_one_line(go_on({"--loss", "siglip", "--out", path("x")}), 2, "train_clip", "has no bias");
  expect_one_line(go_on({"--image-layers", "2", "--out", path("x")}), 2, "train_clip",
                  "--image-layers");
  EXPECT_EQ(train({"--evaluate-only", path("first"), "--threads", "1"}).exit_code, 0);
}

TEST_F(TrainClipTest, ChangesTrainingPicturesAlone) {
  ASSERT_EQ(train(tiny("plain", {{"max-steps", "0"}})).exit_code, 0);
  ASSERT_EQ(train(tiny("start", {{"max-steps", "0"}, {"random-erasing", "1"}})).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "plain/metrics.jsonl").substr(0, 60),
            read_file(folder_ / "start/metrics.jsonl").substr(0, 60));
  ASSERT_EQ(train(tiny("whole", {{"max-steps", "2"}})).exit_code, 0);
  ASSERT_EQ(train(tiny("erased", {{"max-steps", "2"}, {"random-erasing", "1"}})).exit_code, 0);
  EXPECT_NE(read_file(folder_ / "whole/model.safetensors"),
            read_file(folder_ / "erased/model.safetensors"));
  expect_error({{"rand-augment", "15"}}, 2, "--rand-augment must be from 0 to 14");
}

TEST_F(TrainClipTest, PairsComeFromAFileWithEitherLossAndTower) {
  const auto some = pairs("a.png\tgrey a\tan a\nb.png\tgrey b\n");
  for (const Flags& more : {Flags{{"loss", "siglip"}}, Flags{{"objective", "siglip"}},
                            Flags{{"image-tower", "cnn"},
                                  {"cnn-width", "4"},
                                  {"image-patch-size", ""},
                                  {"image-layers", ""},
                                  {"image-d-model", ""},
                                  {"image-heads", ""}}}) {
    Flags flags = some;
    flags.insert(more.begin(), more.end());
    for (const auto& [name, value] : more) flags[name] = value;
    const auto result = train(tiny("run-" + more.begin()->first, flags));
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
}

TEST_F(TrainClipTest, MatchImagesFindsPicturesAndNamesThem) {
  pairs("a.png\ta\n");
  ASSERT_EQ(train(tiny("run")).exit_code, 0);
  const auto found = run_program(
      "match_images", {"--model", path("run"), "--images", path(""), "a red circle", "a cross",
                       "--json", "--top", "1", "--page", path("sheet.html")});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ(std::count(found.out.begin(), found.out.end(), '\n'), 2);
  EXPECT_THAT(found.out, HasSubstr("{\"input\":\"a red circle\",\"matches\":[{\"match\":\""));
  EXPECT_THAT(read_file(folder_ / "sheet.html"), HasSubstr("a red circle"));
  const auto named = run_program("match_images", {"--model", path("run"), "--image", path("a.png"),
                                                  "red square", "blue cross"});
  ASSERT_EQ(named.exit_code, 0) << named.err;
  EXPECT_THAT(named.out, ::testing::AllOf(HasSubstr("red square"), HasSubstr("blue cross")));
  const auto refused = [&](std::vector<std::string> flags, int code, const std::string& message) {
    flags.insert(flags.begin(), {"--model", path("run")});
    const auto result = run_program("match_images", flags);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
  };
  refused({"text"}, 2, "give a folder with --images");
  refused({"--images", path("")}, 2, "give texts");
  refused({"--images", path("nowhere"), "text"}, 1, "no such folder of pictures");
  refused({"--image", path("a.png"), "text", "--page", path("s.png")}, 2, "needs --images");
  refused({"--image", path("pairs.tsv"), "text"}, 1, "pairs.tsv");
}

TEST_F(TrainClipTest, MatchImagesNamesATokenThatTheModelHasNoRowFor) {
  pairs("a.png\ta\n");
  ASSERT_EQ(train(tiny("run")).exit_code, 0);
  auto document = nlohmann::json::parse(read_file(folder_ / "run/last/tokenizer.json"));
  auto token = document["added_tokens"].back();
  token["content"] = "zebra";
  token["special"] = false;
  document["added_tokens"].push_back(token);
  write_file(folder_ / "run/last/tokenizer.json", document.dump());
  const auto match = [&](const std::string& text) {
    return run_program("match_images",
                       {"--model", path("run/last"), "--image", path("a.png"), "red square", text});
  };
  EXPECT_EQ(match("blue cross").exit_code, 0);
  expect_one_line(match("blue zebra"), 1, "match_images", "('zebra') of the tokenizer");
}

TEST_F(TrainClipTest, AnIndexSparesPicturesThatDidNotChange) {
  pairs("a.png\ta\n");
  ASSERT_EQ(train(tiny("run")).exit_code, 0);
  ASSERT_EQ(train(tiny("other", {{"seed", "2"}})).exit_code, 0);
  const auto match = [&](const std::string& model, std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--model", path(model), "--index", path("index"), "grey"});
    return run_program("match_images", flags);
  };
  const auto first = match("run", {"--images", path("")});
  ASSERT_EQ(first.exit_code, 0) << first.err;

  // Damaged, but for size and time as it was: it is not read again.
  const auto changed = fs::last_write_time(folder_ / "a.png");
  write_file(folder_ / "a.png", std::string(fs::file_size(folder_ / "a.png"), 'x'));
  fs::last_write_time(folder_ / "a.png", changed);
  EXPECT_EQ(match("run", {"--images", path("")}).out, first.out);
  EXPECT_EQ(match("run", {}).out, first.out);
  EXPECT_EQ(match("run", {"--images", path("run/..")}).exit_code, 0);
  expect_one_line(match("other", {}), 1, "match_images", "another model made this index");
  expect_one_line(match("other", {"--images", path("")}), 1, "match_images", "a.png");

  fs::last_write_time(folder_ / "a.png", changed + std::chrono::seconds(2));
  expect_one_line(match("run", {"--images", path("")}), 1, "match_images", "a.png");
  fs::remove(folder_ / "a.png");
  const auto later = match("run", {"--images", path("")});
  EXPECT_THAT(later.out, ::testing::Not(HasSubstr("a.png")));
  EXPECT_THAT(later.out, HasSubstr("b.png"));

  const auto nowhere = run_program("match_images", {"--model", path("run"), "--images", path(""),
                                                    "--index", path("no/index"), "grey"});
  expect_one_line(nowhere, 1, "match_images", "there is no folder");

  for (const auto& content : {read_file(folder_ / "run/model.safetensors"), std::string("junk")}) {
    write_file(folder_ / "index", content);
    expect_one_line(match("run", {}), 1, "match_images", path("index"));
  }
}

TEST_F(TrainClipTest, SaysWhichValuesChangeNothing) {
  const auto result = train(
      tiny("run", {{"max-steps", "1"}, {"text-rotary-base", "5"}, {"text-sinusoids", "halves"}}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("note: --text-rotary-base changes nothing without "
                                    "--text-position rotary"));
}

TEST_F(TrainClipTest, WrongUsageAndUnusableDataAreOneLine) {
  expect_error({{"batch-size", "1"}}, 2, "--batch-size must be 2 or more");
  expect_error({{"text-layers", "2147483647"}}, 2, "of memory, but");
  expect_error({{"templates", "no place"}}, 2, "has no place for the name");
  expect_error({{"towers", "text"}}, 2, "towers must be both");
  expect_error({{"image-heads", "3"}}, 2, "heads");
  expect_error({{"image-size", "8"}, {"image-patch-size", "4"}}, 2,
               "--image-size must be 16 or more");
  expect_error({{"image-channels", "1"}}, 2, "--image-channels must be 3");
  expect_error({{"image-width", "32"}}, 2, "--image-width must be as --image-size");
  expect_error({{"image-tower", "cnn"}}, 2, "means nothing to --image-tower cnn");
  expect_error({{"cnn-width", "4"}}, 2, "--cnn-width means nothing to --image-tower vit");
  expect_error({{"data", path("pairs.tsv")}}, 2, "--data means nothing to --task shapes");
  expect_error({{"task", ""}}, 2, "--shapes means nothing without --task shapes");
  expect_error({{"logit-bias", "1"}}, 2, "--logit-bias means nothing without");
  expect_error({{"text-context", "0"}}, 2, "--text-context must be 1 or more");
  expect_error({{"image-patch-size", "32"}}, 2, "--image-patch-size must be at most --image-size");
  expect_error({{"vocab-size", "2001"}}, 2, "--vocab-size means nothing to --task shapes");
  expect_error({{"shapes", "9223372036854775807"}}, 2, "--shapes must be 1 to 1000000");
  expect_error(pairs("a.png\tgrey a\n"), 1, "one pair only");
  expect_error(pairs(std::string("a.png\tgr\0y\nb.png\tb\n", 19)), 1, "line 1: a zero byte");
  expect_error(
      {{"task", ""}, {"shapes", ""}, {"validation-shapes", ""}, {"data", path("nowhere.tsv")}}, 1,
      "nowhere.tsv");
  expect_error(pairs("a.png\n"), 1, "pairs.tsv line 1: expected a picture's path and one caption");
  expect_error(pairs("a.png\tgrey a\nmissing.png\tb\n"), 1, "line 2");
  write_file(folder_ / "cut.png", "\x89PNG\r\n\x1a\n");
  expect_error(pairs("cut.png\tb\n"), 1, "cut.png");
  expect_error(pairs(""), 1, "pairs.tsv");
}

}  // namespace
}  // namespace zoo::testing
