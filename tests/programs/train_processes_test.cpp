// Runs in several processes against runs in one with batches as large as theirs together.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
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

/// A run: its flags, of which `batch` names the size of a micro-batch of one process.
struct TrainingRun {
  std::string name, program;
  Flags flags = {};
  std::string batch = "batch-size";
  int64_t of_one = 4;
  std::vector<std::string> switches = {};
};

class TrainProcessesTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if !defined(ZOO_DISTRIBUTED)
    GTEST_SKIP() << "this build trains in one process: libgloo-dev was not there";
#endif
    std::string text, english, french, labelled;
    for (int n = 0; n < 40; ++n) {
      text += "the quick brown fox jumps\n\nover the lazy dog\nand runs away " +
              std::string(static_cast<size_t>(n % 5 + 1), static_cast<char>('a' + n % 7)) + "\n";
      english += "one two three\ntwo one\nthree three " +
                 std::string(static_cast<size_t>(n % 3 + 1), 'a') + "\n";
      french += "trois deux un\nun deux\n" + std::string(static_cast<size_t>(n % 3 + 1), 'b') +
                " trois trois\n";
      labelled += std::string(n % 2 == 0 ? "good" : "bad") + "\ta " +
                  (n % 2 == 0 ? "fine quick fox" : "poor slow dog that sleeps") + "\n";
    }
    write_file(folder_ / "text.txt", text);
    write_file(folder_ / "pairs.en", english);
    write_file(folder_ / "pairs.fr", french);
    write_file(folder_ / "labelled.tsv", labelled);
    write_idx_folder(folder_ / "digits", 42, 12);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// Every family and objective, with dropout.
  std::vector<TrainingRun> runs() const {
    const Flags gpt = {{"data", path("text.txt")},
                       {"heads", "2"},
                       {"d-model", "16"},
                       {"context", "12"},
                       {"sample-tokens", "3"}};
    const Flags bert = {{"data", path("text.txt")}, {"heads", "2"},       {"d-model", "16"},
                        {"context", "16"},          {"vocab-size", "60"}, {"layers", "2"}};
    const Flags pairs = {{"data", path("pairs")}, {"validation-data", path("pairs")},
                         {"heads", "2"},          {"d-model", "16"},
                         {"context", "32"},       {"tokenizer", "character"},
                         {"encoder-layers", "1"}, {"decoder-layers", "1"},
                         {"decode-pairs", "3"}};
    const Flags vit = {{"data", path("digits")}, {"image-size", "4"}, {"patch-size", "2"},
                       {"layers", "2"},          {"heads", "2"},      {"d-model", "16"}};
    const Flags clip = {{"task", "shapes"},    {"shapes", "40"},        {"validation-shapes", "32"},
                        {"image-size", "16"},  {"image-channels", "3"}, {"image-patch-size", "8"},
                        {"image-layers", "1"}, {"image-d-model", "16"}, {"image-heads", "2"},
                        {"text-layers", "1"},  {"text-d-model", "16"},  {"text-heads", "2"},
                        {"projection", "8"}};
    const auto with = [](Flags flags, const Flags& changes) {
      for (const auto& [name, value] : changes) flags[name] = value;
      return flags;
    };
    const Flags gpt_dropout = {{"residual-dropout", "0.1"},
                               {"attention-dropout", "0.1"},
                               {"embedding-dropout", "0.1"},
                               {"drop-path", "0.2"},
                               {"head-dropout", "0.1"}};
    return {
        {.name = "text", .program = "train_gpt", .flags = with(gpt, {{"layers", "2"}})},
        {.name = "dropout",
         .program = "train_gpt",
         .flags = with(with(gpt, gpt_dropout), {{"layers", "2"}, {"accumulate", "2"}})},
        {.name = "experts",
         .program = "train_gpt",
         .flags = with(with(gpt, gpt_dropout),
                       {{"layers", "2"}, {"experts", "4"}, {"expert-capacity", "1.0"}})},
        {.name = "reversible",
         .program = "train_gpt",
         .flags = with(with(gpt, gpt_dropout),
                       {{"layers", "2"}, {"experts", "4"}, {"activation-dropout", "0.1"}}),
         .switches = {"--reversible"}},
        {.name = "memory",
         .program = "train_gpt",
         .flags = with(gpt, {{"position", "transformer-xl"},
                             {"memory", "6"},
                             {"layers", "2"},
                             {"residual-dropout", "0.1"}})},
        {.name = "answers",
         .program = "train_gpt",
         .flags = {{"task", "copy"},
                   {"task-length", "4"},
                   {"task-min-length", "1"},
                   {"task-examples", "30"},
                   {"task-validation", "9"},
                   {"context", "12"},
                   {"layers", "1"},
                   {"heads", "2"},
                   {"d-model", "16"},
                   {"head-diversity", "0.1"}}},
        {.name = "masked", .program = "train_bert", .flags = bert},
        {.name = "pairs",
         .program = "train_bert",
         .flags = with(bert, {{"objective", "masked-lm-nsp"}})},
        {.name = "permuted",
         .program = "train_bert",
         .flags = with(bert, {{"objective", "permuted-lm"}})},
        {.name = "electra",
         .program = "train_bert",
         .flags = with(bert, {{"objective", "replaced-tokens"}, {"family", "electra"}})},
        {.name = "classes",
         .program = "train_bert",
         .flags = with(bert, {{"objective", "classify-text"},
                              {"data", path("labelled.tsv")},
                              {"validation-share", "0.2"}})},
        {.name = "translation",
         .program = "train_transformer",
         .flags = pairs,
         .batch = "batch-tokens",
         .of_one = 60},
        {.name = "recurrent",
         .program = "train_transformer",
         .flags = {{"data", path("pairs")},
                   {"validation-data", path("pairs")},
                   {"architecture", "recurrent"},
                   {"d-model", "16"},
                   {"encoder-layers", "1"},
                   {"tokenizer", "character"},
                   {"decode-pairs", "3"}},
         .batch = "batch-tokens",
         .of_one = 16},
        {.name = "pictures",
         .program = "train_vit",
         .flags = with(vit, {{"mixup", "0.2"}, {"dropout", "0.1"}, {"drop-path", "0.1"}})},
        {.name = "contrast", .program = "train_clip", .flags = clip, .of_one = 6},
        {.name = "contrast in chunks",
         .program = "train_clip",
         .flags = with(clip, {{"chunk", "2"}}),
         .of_one = 6},
    };
  }

  ProgramResult train(const TrainingRun& run, const std::string& out, int64_t processes,
                      int64_t share_of_batch, const Flags& changes = {}) const {
    Flags flags = run.flags;
    for (const auto& [name, value] : Flags{{"threads", "1"},
                                           {"max-steps", "50"},
                                           {"schedule-steps", "50"},
                                           {"evaluate-every", "25"},
                                           {"warmup-steps", "5"},
                                           {"learning-rate", "2e-3"},
                                           {"out", path(out)},
                                           {"process-timeout", "60"}})
      flags.emplace(name, value);
    for (const auto& [name, value] : changes) flags[name] = value;
    flags[run.batch] = std::to_string(run.of_one * share_of_batch);
    if (processes > 1) flags["processes"] = std::to_string(processes);
    auto words = flag_words(flags, {});
    words.insert(words.end(), run.switches.begin(), run.switches.end());
    return run_program(run.program, words);
  }

  /// The lines of metrics.jsonl, without what depends on time.
  std::vector<nlohmann::json> metrics(const std::string& out) const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_file(folder_ / out / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      const auto json = nlohmann::json::parse(line);
      nlohmann::json kept;
      for (const auto& [key, value] : json.items())
        if (key != "elapsed_s" && !key.ends_with("_per_s")) kept[key] = value;
      lines.push_back(std::move(kept));
    }
    return lines;
  }

  void expect_same(const std::string& a, const std::string& b) const {
    const auto as = metrics(a), bs = metrics(b);
    ASSERT_EQ(as.size(), bs.size());
    for (size_t n = 0; n < as.size(); ++n) {
      ASSERT_EQ(as[n].size(), bs[n].size()) << as[n] << "\n" << bs[n];
      for (const auto& [key, value] : as[n].items()) {
        if (!value.is_number()) {
          EXPECT_EQ(value, bs[n][key]);
          continue;
        }
        const double wanted = value.get<double>();
        // A gradient at a peak is steep; an area under a curve jumps where two scores change
        // places.
        const double tolerance = key == "grad_norm" || key == "rtd_auc" ? 1e-3 : 1e-5;
        EXPECT_NEAR(bs[n][key].get<double>(), wanted, tolerance * std::max(1.0, std::abs(wanted)))
            << key << " in line " << n << " of " << b;
      }
    }
  }
  TemporaryFolder folder_;
};

TEST_F(TrainProcessesTest, TwoProcessesTrainAsOneWithTheWholeBatch) {
  for (const TrainingRun& run : runs()) {
    SCOPED_TRACE(run.name);
    const auto one = train(run, run.name + "-1", 1, 2);
    ASSERT_EQ(one.exit_code, 0) << one.err;
    const auto two = train(run, run.name + "-2", 2, 1);
    ASSERT_EQ(two.exit_code, 0) << two.err;
    expect_same(run.name + "-1", run.name + "-2");
  }
}

TEST_F(TrainProcessesTest, ThreeProcessesAndAShardedOptimizerChangeNothing) {
  for (TrainingRun run : runs()) {
    if (run.name != "dropout" && run.name != "experts") continue;
    SCOPED_TRACE(run.name);
    ASSERT_EQ(train(run, run.name + "-1", 1, 3).exit_code, 0);
    run.switches = {"--shard-optimizer"};
    const auto three = train(run, run.name + "-3", 3, 1);
    ASSERT_EQ(three.exit_code, 0) << three.err;
    expect_same(run.name + "-1", run.name + "-3");
  }
}

TEST_F(TrainProcessesTest, ARunGoesOnInAnotherNumberOfProcesses) {
  for (const TrainingRun& run : runs()) {
    if (run.name != "dropout" && run.name != "memory") continue;
    SCOPED_TRACE(run.name);
    const std::string whole = run.name + "-whole", parts = run.name + "-parts";
    ASSERT_EQ(train(run, whole, 1, 4).exit_code, 0);
    ASSERT_EQ(train(run, parts, 2, 2, {{"max-steps", "20"}}).exit_code, 0);
    const auto go_on = [&](const std::string& processes, const std::string& steps) {
      return run_program(run.program,
                         {"--resume", path(parts), "--processes", processes, "--max-steps", steps});
    };
    expect_one_line(go_on("3", "30"), 2, run.program, "choose a number that divides 16");
    const auto alone = go_on("1", "30");
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
    EXPECT_THAT(alone.err, HasSubstr("each with 16 of a batch of 16"));
    const auto four = go_on("4", "50");
    ASSERT_EQ(four.exit_code, 0) << four.err;
    expect_same(whole, parts);
  }
}

TEST_F(TrainProcessesTest, GradientsInSixteenBitsTrainNearlyAsWell) {
  const TrainingRun run = runs().front();
  ASSERT_EQ(train(run, "exact", 2, 2).exit_code, 0);
  const auto rounded = train(run, "rounded", 2, 2, {{"gradient-compression", "bf16"}});
  ASSERT_EQ(rounded.exit_code, 0) << rounded.err;
  const auto a = metrics("exact").back(), b = metrics("rounded").back();
  EXPECT_NEAR(a["loss"].get<double>(), b["loss"].get<double>(), 0.01);
  EXPECT_NE(a["loss"], b["loss"]);
}

TEST_F(TrainProcessesTest, RefusesWhatProcessesCannotShare) {
  const TrainingRun run = runs().front();
  const auto refused = [&](const Flags& changes, const std::string& message) {
    expect_one_line(train(run, "refused", 2, 1, changes), 2, run.program, message);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  };
  refused({{"dump-batches", path("batches")}}, "--dump-batches");
  refused({{"dump-gradients", path("g.safetensors")}}, "--dump-gradients");
  expect_one_line(train(run, "refused", 0, 1, {{"processes", "0"}}), 2, run.program,
                  "--processes must be from 1 to 4096");
}

}  // namespace
}  // namespace zoo::testing
