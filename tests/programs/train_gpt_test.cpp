// train_gpt as a user runs it: what it leaves behind, and one line for everything that can go
// wrong.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

class TrainGptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int n = 0; n < 60; ++n) text += "the quick brown fox jumps over the lazy dog\n";
    write_file(folder_ / "text.txt", text);
  }
  /// Flags of a model that trains in no time, some of them changed.
  std::vector<std::string> tiny(const std::string& out,
                                const std::map<std::string, std::string>& changes = {}) const {
    std::map<std::string, std::string> flags = {{"data", (folder_ / "text.txt").string()},
                                                {"out", (folder_ / out).string()},
                                                {"layers", "1"},
                                                {"heads", "2"},
                                                {"d-model", "8"},
                                                {"context", "8"},
                                                {"threads", "1"},
                                                {"max-steps", "4"},
                                                {"schedule-steps", "8"},
                                                {"evaluate-every", "2"},
                                                {"sample-tokens", "3"},
                                                {"residual-dropout", "0.1"}};
    for (const auto& [name, value] : changes) flags[name] = value;
    std::vector<std::string> words;
    for (const auto& [name, value] : flags) words.insert(words.end(), {"--" + name, value});
    return words;
  }
  static ProgramResult train(const std::vector<std::string>& flags) {
    return run_program("train_gpt", flags);
  }
  void expect_error(const std::vector<std::string>& flags, int exit_code,
                    const std::string& message) {
    const auto result = train(flags);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto line = result.err.rfind("train_gpt: ");
    ASSERT_NE(line, std::string::npos) << result.err;
    const std::string error = result.err.substr(line);
    EXPECT_THAT(error, HasSubstr(message));
    EXPECT_EQ(error.find('\n'), error.size() - 1) << error;
  }
  std::string metrics(const std::string& out) const {
    std::string kept;  // without what depends on time
    const std::string all = read_file(folder_ / out / "metrics.jsonl");
    for (size_t at = 0; at < all.size();) {
      const size_t end = all.find('\n', at);
      const std::string line = all.substr(at, end - at);
      if (line.find("\"train\"") != std::string::npos)
        kept += line.substr(0, line.find("\"tokens_per_s\"")) + "\n";
      at = end + 1;
    }
    return kept;
  }
  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
  static std::string losses_of(const std::string& out) { return out.substr(out.rfind("val loss")); }
  TemporaryFolder folder_;
};

TEST_F(TrainGptTest, LeavesARunFolderAndPrintsWhereToLook) {
  const auto result = train(tiny("run"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("report.html"));
  EXPECT_THAT(result.out, HasSubstr("val loss"));
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json", "metrics.jsonl",
                           "run.toml", "report.html", "last/trainer_state/progress.json"}) {
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  }
}

TEST_F(TrainGptTest, ResumedRunEqualsTheWholeOne) {
  EXPECT_EQ(train(tiny("whole", {{"max-steps", "8"}})).exit_code, 0);
  EXPECT_EQ(train(tiny("parts")).exit_code, 0);
  const auto resumed = train({"--resume", (folder_ / "parts").string(), "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(TrainGptTest, TheBlockOfTodayTrainsAndResumes) {
  const auto modern = [&](const std::string& out, const std::string& steps) {
    auto flags = tiny(out, {{"max-steps", steps},
                            {"layers", "2"},
                            {"attention", "flash"},
                            {"position", "t5"},
                            {"norm-place", "sandwich"},
                            {"activation", "geglu"},
                            {"window", "3"},
                            {"window-pattern", "LG"},
                            {"experts", "3"},
                            {"expert-every", "2"}});
    flags.emplace_back("--qk-norm=true");
    return flags;
  };
  const auto whole = train(modern("whole", "8"));
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(train(modern("parts", "4")).exit_code, 0);
  const auto resumed = train({"--resume", (folder_ / "parts").string(), "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
  for (const char* name : {"expert_balance", "expert_busiest", "router_entropy", "router_z"})
    EXPECT_THAT(metrics("whole"), HasSubstr(name));
}

TEST_F(TrainGptTest, ASegmentMemoryTrainsResumesAndStreams) {
  const auto remembers = [&](const std::string& out, const std::string& steps) {
    return tiny(out, {{"max-steps", steps},
                      {"layers", "2"},
                      {"position", "transformer-xl"},
                      {"memory", "11"},
                      {"sample-tokens", "40"}});
  };
  const auto whole = train(remembers("whole", "8"));
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(train(remembers("parts", "4")).exit_code, 0);
  const std::string parts = (folder_ / "parts").string();
  const auto resumed = train({"--resume", parts, "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
  EXPECT_THAT(read_file(folder_ / "parts/config.json"), HasSubstr("\"memory\": 11"));
  const auto longer = train({"--evaluate-only", parts, "--memory", "20"});
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  const auto text = run_program(
      "generate", {"--model", parts, "--max-new-tokens", "60", "--temperature", "0", "the quick"});
  EXPECT_EQ(text.exit_code, 0) << text.err;

  expect_error(tiny("no", {{"memory", "4"}}), 2, "--memory must be 0 with --position learned");
  expect_error(tiny("no", {{"position", "transformer-xl"}, {"attention", "flash"}}), 2,
               "computes no gradient of a dense bias");
  EXPECT_FALSE(fs::exists(folder_ / "no"));
}

TEST_F(TrainGptTest, EveryKernelThatTrainsGivesTheSameLosses) {
  const auto losses = [&](const std::string& kernel) {
    const auto result = train(tiny(kernel, {{"attention", kernel},
                                            {"attention-dropout", "0.1"},
                                            {"max-steps", "10"},
                                            {"context", "20"},
                                            {"learning-rate", "1e-2"}}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<double> values;
    for (const std::string& line : lines_of(read_file(folder_ / kernel / "metrics.jsonl"))) {
      const auto record = nlohmann::json::parse(line);
      if (record["split"] == "train") values.push_back(record["loss"]);
    }
    return values;
  };
  const auto wanted = losses("matmul");
  ASSERT_EQ(wanted.size(), 10u);
  EXPECT_LT(wanted.back(), wanted.front());
  for (const char* kernel : {"blocked", "online", "flash", "torch"})
    EXPECT_THAT(losses(kernel), Pointwise(DoubleNear(1e-5), wanted)) << kernel;
}

TEST_F(TrainGptTest, PrintsAConfigurationThatConfigReadsBack) {
  train(tiny("a"));
  const auto again =
      train({"--config", (folder_ / "a" / "run.toml").string(), "--out", (folder_ / "b").string()});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(metrics("a"), metrics("b"));
}

TEST_F(TrainGptTest, MaxStepsZeroWritesTheUntrainedModel) {
  EXPECT_EQ(train(tiny("run", {{"max-steps", "0"}})).exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoints/step-000000/model.safetensors"));
}

TEST_F(TrainGptTest, StartsFromTheWeightsOfAnotherRunAndMeasuresThem) {
  train(tiny("first"));
  const auto tuned =
      train({"--init-from", (folder_ / "first").string(), "--data", (folder_ / "text.txt").string(),
             "--out", (folder_ / "tuned").string(), "--max-steps", "0", "--threads", "1"});
  EXPECT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_EQ(read_file(folder_ / "first/model.safetensors"),
            read_file(folder_ / "tuned/model.safetensors"));
  const auto measured = train({"--evaluate-only", (folder_ / "first").string()});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("val loss "));
  EXPECT_THAT(measured.out, HasSubstr("val bits_per_byte "));
}

TEST_F(TrainGptTest, MeasuresAModelOnTextsLongerThanThoseOfItsTraining) {
  train(tiny("learned"));
  auto rotary = tiny("rotary");
  rotary.insert(rotary.end(), {"--position", "rotary"});
  train(rotary);
  const auto with = [&](const std::string& run, std::vector<std::string> more) {
    more.insert(more.begin(), {"--evaluate-only", (folder_ / run).string()});
    return more;
  };
  const auto own = train(with("rotary", {})), longer = train(with("rotary", {"--context", "24"})),
             window = train(with("rotary", {"--context", "24", "--window", "3", "--sinks", "1"})),
             scaled = train(with("rotary", {"--context", "24", "--rotary-scaling", "linear"}));
  for (const auto* result : {&own, &longer, &window, &scaled})
    EXPECT_EQ(result->exit_code, 0) << result->err;
  EXPECT_NE(losses_of(longer.out), losses_of(own.out));
  EXPECT_NE(losses_of(window.out), losses_of(longer.out));
  EXPECT_NE(losses_of(scaled.out), losses_of(longer.out));
  expect_error(with("learned", {"--context", "24"}), 2, "which has learned so many positions");
  expect_error(with("learned", {"--self-extend", "2"}), 2,
               "--self-extend must be 0 without --position rotary");
}

TEST_F(TrainGptTest, MeasuresTheTextThatIsNamed) {
  train(tiny("run"));
  const std::string run = (folder_ / "run").string();
  write_file(folder_ / "other.txt", std::string(400, 'z'));
  const auto own = train({"--evaluate-only", run});
  const auto other = train({"--evaluate-only", run, "--data", (folder_ / "other.txt").string()});
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_NE(losses_of(own.out), losses_of(other.out));
  expect_error({"--evaluate-only", run, "--data", "nope.txt"}, 1, "no data at 'nope.txt'");
  const auto best = train({"--evaluate-only", run + "/best"});  // of the run: its recipe, its text
  EXPECT_EQ(best.exit_code, 0) << best.err;
  EXPECT_EQ(losses_of(best.out), losses_of(own.out));
}

TEST_F(TrainGptTest, AResumeKeepsTheNewEnd) {
  train(tiny("run"));
  const std::string run = (folder_ / "run").string();
  expect_error({"--resume", run, "--max-steps", "3"}, 2, "is at step 4 already");
  const auto done = train({"--resume", run});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("at step 4 already"));
  EXPECT_EQ(train({"--resume", run, "--max-steps", "6"}).exit_code, 0);
  EXPECT_THAT(read_file(folder_ / "run/run.toml"), HasSubstr("max-steps = 6"));
  EXPECT_THAT(train({"--resume", run}).out, HasSubstr("at step 6 already"));
}

TEST_F(TrainGptTest, AResumeNeedsTheConfiguration) {
  train(tiny("run"));
  fs::remove(folder_ / "run/run.toml");
  expect_error({"--resume", (folder_ / "run").string(), "--max-steps", "8"}, 1, "no run.toml");
}

TEST_F(TrainGptTest, FineTuningHonoursARecipeAndRefusesAnotherShape) {
  train(tiny("first"));
  const std::string first = (folder_ / "first").string(), text = (folder_ / "text.txt").string();
  const auto from = [&](const std::string& recipe) -> std::vector<std::string> {
    write_file(folder_ / "r.toml", recipe);
    return {"--init-from", first, "--config",  (folder_ / "r.toml").string(),
            "--data",      text,  "--out",     (folder_ / "tuned").string(),
            "--max-steps", "1",   "--threads", "1"};
  };
  expect_error(from("d-model = 16\n"), 2, "--d-model cannot be changed: the model in");
  expect_error(from("preset = \"gpt2\"\n"), 2, "(by --preset gpt2)");
  expect_error(from("tokenizer = \"sentencepiece-bpe\"\n"), 2, "brings its own (character)");
  const auto tuned =
      train(from("d-model = 8\nfeed-forward = 32\nresidual-dropout = 0.25\nattention = \"matmul\"\n"
                 "tokenizer = \"character\"\n"));
  EXPECT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_THAT(
      read_file(folder_ / "tuned/run.toml"),
      ::testing::AllOf(HasSubstr("residual-dropout = 0.25"), HasSubstr("attention = \"matmul\"")));
}

TEST_F(TrainGptTest, AForeignCharacterIsToldByItsPlaceWhenFineTuning) {
  train(tiny("first"));
  write_file(folder_ / "text.txt", "the fox\njumps \u00fcber\n");
  expect_error({"--init-from", (folder_ / "first").string(), "--data",
                (folder_ / "text.txt").string(), "--out", (folder_ / "tuned").string()},
               1, "text.txt line 2 (byte 14)");
  EXPECT_FALSE(fs::exists(folder_ / "tuned"));
}

TEST_F(TrainGptTest, FailuresBeforeTheFirstCheckpointLeaveWhatWasThere) {
  const std::map<std::string, std::string> exploding = {
      {"learning-rate", "1e38"}, {"clip", "0"}, {"warmup-steps", "0"}};
  expect_error(tiny("new/parents/run", exploding), 1, "learning-rate");
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  fs::create_directories(folder_ / "mine");
  expect_error(tiny("mine", exploding), 1, "learning-rate");
  EXPECT_TRUE(fs::is_empty(folder_ / "mine"));
  expect_error(tiny("mine", {{"sample-prompt", "\u20ac"}}), 2, "--sample-prompt");
  EXPECT_TRUE(fs::is_empty(folder_ / "mine"));
}

TEST_F(TrainGptTest, ATextWithoutLineEndsGetsSamplesAllTheSame) {
  write_file(folder_ / "text.txt", std::string(400, 'a'));
  const auto result = train(tiny("run"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(TrainGptTest, ReusesTheFolderOfARunThatWasKilledAtItsBeginning) {
  fs::create_directories(folder_ / "run/checkpoints");
  write_file(folder_ / "run/run.toml", "left");
  const auto result = train(tiny("run"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(TrainGptTest, OneProcessAtATimeTrainsInAFolder) {
  train(tiny("run"));
  const int held = ::open((folder_ / "run").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);  // as the program does
  expect_error({"--resume", (folder_ / "run").string(), "--max-steps", "8"}, 1,
               "another process trains in it");
  ::close(held);
}

TEST_F(TrainGptTest, AnInterruptedRunSavesAndEndsWith130) {
  const auto flags = tiny("run", {{"max-steps", "100000000"}});
  const std::string path = std::string(ZOO_PROGRAM_FOLDER) + "/train_gpt";
  std::vector<char*> words{const_cast<char*>(path.c_str())};
  for (const auto& flag : flags) words.push_back(const_cast<char*>(flag.c_str()));
  words.push_back(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), 1);
    ::dup2(1, 2);
    ::execv(path.c_str(), words.data());
    ::_exit(127);
  }
  int status = 0;
  bool ended = false;
  while (!ended && !fs::exists(folder_ / "run/last")) {
    ::usleep(10'000);
    ended = ::waitpid(child, &status, WNOHANG) == child;
  }
  ASSERT_FALSE(ended) << status;
  ::kill(child, SIGINT);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_TRUE(fs::exists(folder_ / "run/last/trainer_state/progress.json"));
}

TEST_F(TrainGptTest, APipeAsDataIsRefused) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_error(tiny("run", {{"data", (folder_ / "pipe").string()}}), 1, "neither a file");
}

TEST_F(TrainGptTest, DumpsTheFirstGradientsWithoutChangingTheRun) {
  train(tiny("plain"));
  train(tiny("dumped", {{"dump-gradients", (folder_ / "g.safetensors").string()}}));
  EXPECT_TRUE(fs::exists(folder_ / "g.safetensors"));
  EXPECT_EQ(metrics("plain"), metrics("dumped"));
}

TEST_F(TrainGptTest, UnusableDataIsOneLineAndLeavesNoRunFolder) {
  const auto with_data = [&](const std::string& text) {
    write_file(folder_ / "text.txt", text);
    return tiny("run");
  };
  expect_error(with_data(""), 1, "empty");
  expect_error(with_data(std::string("ab\0c", 4)), 1, "zero byte");
  expect_error(with_data("ab\xFF"), 1, "UTF-8");
  expect_error(with_data("abcabcab"), 1, "too short");
  fs::remove(folder_ / "text.txt");
  expect_error(tiny("run"), 1, "scripts/get_data.sh");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(TrainGptTest, WrongUsageEndsWithTwo) {
  expect_error(tiny("run", {{"no-such-flag", "1"}}), 2, "no-such-flag");
  expect_error(tiny("run", {{"attention", "magic"}}), 2, "known are: loops, matmul");
  expect_error(tiny("run", {{"attention", "loops"}}), 2, "--attention loops: it has no backward");
  expect_error(tiny("run", {{"attention", "decode"}}), 2, "use kernel 'matmul'");
  expect_error(tiny("run", {{"position", "sideways"}}), 2, "rotary");
  expect_error(tiny("run", {{"beta2", "1.5"}}), 2, "--beta2 must be");
  expect_error(tiny("run", {{"batch-size", "0"}}), 2, "--batch-size must be");
  expect_error(tiny("run", {{"tokenizer", "nowhere"}}), 2, "known are: byte-bpe, wordpiece");
  // Before tokenizer and text are looked at: there is no such text.
  const auto at_once = [&](const std::string& option, const std::string& value) {
    expect_error(tiny("run", {{"data", "nowhere.txt"}, {option, value}}), 2, "--" + option);
  };
  at_once("kv-heads", "3");
  at_once("heads", "3");
  at_once("layers", "0");
  at_once("threads", "-5");
  at_once("embedding-dropout", "1.5");
  at_once("norm-epsilon", "nan");
  at_once("learning-rate", "inf");
  at_once("preset", "nope");
  expect_error(tiny("run", {{"device", "cuda:99"}}), 2, "device");
  expect_error(tiny("run", {{"patience", "2"}, {"validation-share", "0"}}), 2, "--patience");
  expect_error({"--evaluate-only", "x", "--dump-gradients", "g"}, 2,
               "--dump-gradients does not go");
  write_file(folder_ / "bad.toml", "no-such-key = 1\n");
  expect_error(tiny("run", {{"config", (folder_ / "bad.toml").string()}}), 2, "no-such-key");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(TrainGptTest, ResumeKeepsItsConfiguration) {
  train(tiny("run"));
  const std::string run = (folder_ / "run").string();
  expect_error({"--resume", run, "--learning-rate", "1"}, 2,
               "--learning-rate does not go with --resume");
  expect_error({"--resume", run, "--init-from", run}, 2, "exclude each other");
  expect_error({"--resume", (folder_ / "nowhere").string()}, 1, "no run folder");
  expect_error({"--init-from", run, "--d-model", "16", "--data", (folder_ / "text.txt").string()},
               2, "--d-model cannot be changed");
}

TEST_F(TrainGptTest, InspectExplainsBiasesThatTheLayoutAdds) {
  auto flags = tiny("run");
  flags.emplace_back("--norm-bias=false");
  ASSERT_EQ(train(flags).exit_code, 0);
  const std::string run = (folder_ / "run").string();
  const auto text = run_program("inspect", {"--model", run});
  EXPECT_THAT(text.out,
              HasSubstr("not counted       24: biases of zero"));  // two norms a layer, a last one
  const auto json = nlohmann::json::parse(run_program("inspect", {run, "--json"}).out);
  EXPECT_EQ(json["added_by_layout"], 24);
}

TEST_F(TrainGptTest, ARunCutShortIsNoFailure) {
  auto flags = tiny("run", {{"max-steps", "2"}});
  flags.insert(flags.end(), {"--expect-at-most", "0.1"});
  const auto result = train(flags);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("stopped at 2 of 8"));
  EXPECT_THAT(result.out, HasSubstr("the recipe expects at most 0.1 at its end"));
  EXPECT_THAT(read_file(folder_ / "run/report.html"), HasSubstr("<p class=\"verdict \">val loss"));
}

TEST_F(TrainGptTest, UsedAndUnusableFoldersAreRefused) {
  train(tiny("run"));
  expect_error(tiny("run"), 1, "already holds a run");
  expect_error(tiny("text.txt/run"), 1, "text.txt/run");
}

TEST_F(TrainGptTest, DamagedCheckpointsAreRefusedInOneLine) {
  train(tiny("run"));
  const auto weights = folder_ / "run/last/model.safetensors";
  const std::string good = read_file(weights);
  write_file(weights, good.substr(0, good.size() / 2));
  expect_error({"--resume", (folder_ / "run").string(), "--max-steps", "6"}, 1,
               "model.safetensors");
  write_file(folder_ / "run/last/config.json", R"({"model_type": "bert"})");
  expect_error({"--evaluate-only", (folder_ / "run").string()}, 1, "bert");
}

TEST_F(TrainGptTest, AModelOrBatchBeyondAllMemoryIsRefusedBeforeItIsMade) {
  const auto at_once = [&](const std::string& option, const std::string& value) {
    expect_error(tiny("run", {{option, value}}), 2, "of memory, but");
  };
  at_once("layers", "2147483647");
  at_once("d-model", "2147483646");
  at_once("feed-forward", "4611686018427387904");
  at_once("context", "1000000000000");
  expect_error(tiny("run", {{"context", "9223372036854775807"}}), 2, "--context must be at most");
  at_once("batch-size", "2147483647");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(TrainGptTest, SaysWhichValuesChangeNothing) {
  const auto result = train(tiny("run", {{"max-steps", "1"},
                                         {"schedule", "constant"},
                                         {"final-share", "0.5"},
                                         {"decay-share", "0.5"},
                                         {"rotary-base", "5"},
                                         {"rotary-pairs", "neighbours"},
                                         {"rotary-attention-factor", "2"},
                                         {"relative-buckets", "8"},
                                         {"sample-tokens", "0"},
                                         {"sample-prompt", "the"}}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* option : {"final-share", "decay-share", "rotary-base", "rotary-pairs",
                             "rotary-attention-factor", "relative-buckets", "sample-prompt"})
    EXPECT_THAT(result.err, HasSubstr("note: --" + std::string(option) + " changes nothing"));
  const auto all =
      train(tiny("all", {{"max-steps", "1"}, {"schedule", "wsd"}, {"decay-share", "1"}}));
  EXPECT_THAT(all.err, ::testing::Not(HasSubstr("changes nothing")));
}

TEST_F(TrainGptTest, SinusoidsScaleTheEmbeddingsUnlessToldOtherwise) {
  const auto scaled = train(tiny("scaled", {{"max-steps", "1"}, {"position", "sinusoidal"}}));
  EXPECT_EQ(scaled.exit_code, 0) << scaled.err;
  EXPECT_THAT(scaled.err, HasSubstr("multiplied by sqrt(d-model)"));
  EXPECT_THAT(read_file(folder_ / "scaled/run.toml"), HasSubstr("scale-embeddings = true"));
  auto words = tiny("plain", {{"max-steps", "1"}, {"position", "sinusoidal"}});
  words.emplace_back("--scale-embeddings=false");
  EXPECT_THAT(train(words).err, ::testing::Not(HasSubstr("sqrt(d-model)")));
  EXPECT_THAT(read_file(folder_ / "plain/run.toml"), HasSubstr("scale-embeddings = false"));
}

TEST_F(TrainGptTest, ExpectationsAreNumbers) {
  expect_error(tiny("run", {{"expect-at-least", "nan"}}), 2, "--expect-at-least");
  expect_error(tiny("run", {{"expect-at-most", "inf"}}), 2, "--expect-at-most");
  expect_error(tiny("run", {{"expect-at-least", "2"}, {"expect-at-most", "1"}}), 2,
               "--expect-at-least must be --expect-at-most 1 or less");
}

TEST_F(TrainGptTest, ARunWithoutItsLinksGoesOn) {
  train(tiny("whole", {{"max-steps", "8"}}));
  train(tiny("run"));
  for (const auto& entry : fs::directory_iterator(folder_ / "run"))
    if (entry.is_symlink()) fs::remove(entry.path());
  const std::string run = (folder_ / "run").string();
  expect_error(tiny("run"), 1, "continue it with --resume");
  EXPECT_EQ(train({"--evaluate-only", run}).exit_code, 0);
  const auto resumed = train({"--resume", run, "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(metrics("whole"), metrics("run"));
}

TEST_F(TrainGptTest, ACheckpointThatWasChangedIsNamed) {
  train(tiny("run"));
  const auto progress = folder_ / "run/last/trainer_state/progress.json";
  const std::string good = read_file(progress);
  std::string other = good;
  other.replace(other.find("\"step\": 4"), 9, "\"step\": 2");
  write_file(progress, other);
  const std::string run = (folder_ / "run").string();
  expect_error({"--resume", run, "--max-steps", "8"}, 1, "its step is 2, its folder's 4");
  write_file(progress, good);
  const auto config = folder_ / "run/last/config.json";
  write_file(config, read_file(config) + " ");
  expect_error({"--resume", run, "--max-steps", "8"}, 1, "config.json' is damaged");
  // What the message says to do.
  fs::remove_all(folder_ / "run/checkpoints/step-000004");
  const auto resumed = train({"--resume", run, "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(TrainGptTest, AnExplodingRunIsOneLine) {
  expect_error(tiny("run", {{"learning-rate", "1e38"}, {"clip", "0"}, {"warmup-steps", "0"}}), 1,
               "a lower learning-rate");
}

}  // namespace
}  // namespace zoo::testing
