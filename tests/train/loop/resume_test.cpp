// What a resumed run does with whatever the one before it left: the same run, or one line.
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "base/files.h"
#include "base/interrupt.h"
#include "tests/train/loop/task_proxy.h"
#include "tests/train/loop/tiny_training.h"
#include "train/run/run_folder.h"
#include "train/run/run_info.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

using Tensors = std::map<std::string, torch::Tensor>;

class ResumeTest : public TinyTraining {
 protected:
  void expect_refusal(const std::string& file, const std::string& cause) {
    EXPECT_THAT([&] { train("run", options_, true); },
                ThrowsMessage<std::runtime_error>(
                    AllOf(HasSubstr(file + "' is damaged"), HasSubstr(cause),
                          HasSubstr("remove the folder"), Not(HasSubstr("\n")))));
  }
  fs::path state(const std::string& file) const {
    return folder_ / "run" / "last" / "trainer_state" / file;
  }
  void change_text(const fs::path& file, const std::string& from, const std::string& to) const {
    std::string text = read_file(file);
    ASSERT_NE(text.find(from), std::string::npos) << text;
    write_file(file, text.replace(text.find(from), from.size(), to));
  }
  void change_tensors(const std::function<void(Tensors&)>& change) const {
    Tensors tensors;
    {
      const SafetensorsReader reader(state("tensors.safetensors"));
      for (const auto& name : reader.names()) tensors[name] = reader.tensor(name).clone();
    }
    change(tensors);
    write_safetensors(state("tensors.safetensors"), tensors);
  }
  /// As it was before checkpoints said what they hold.
  void make_old() const {
    fs::remove(state("manifest.json"));
    change_text(state("progress.json"), "\"version\": 3", "\"version\": 2");
  }
  /// Seven updates, of which a resume goes on to fourteen.
  void begin() {
    options_.max_steps = 7;
    train("run", options_);
    options_.max_steps = 14;
  }
  /// What the runs in `work` note.
  std::string notes_of(const std::function<void()>& work) {
    observer_.notes.clear();
    work();
    return observer_.notes;
  }
  TrainOptions options_ = options(14);
};

TEST_F(ResumeTest, KeepsTheRunsRecipeAndDate) {
  begin();
  auto info = *read_run_info(folder_ / "run");
  EXPECT_EQ(info.recipe, "tiny");
  info.started = "1 May 2025, 10:00";
  write_run_info(folder_ / "run", info);
  train("run", options_, true);
  EXPECT_EQ(read_run_info(folder_ / "run")->recipe, "tiny");
  EXPECT_THAT(read_file(folder_ / "run" / "report.html"),
              HasSubstr("recipe tiny \xC2\xB7 begun 1 May 2025, 10:00</p>"));
  write_file(folder_ / "run" / "run.json", "{");
  options_.max_steps = 16;
  train("run", options_, true);
  EXPECT_EQ(read_run_info(folder_ / "run")->started, "");
}

TEST_F(ResumeTest, RefusesADamagedProgressByNameAndCause) {
  begin();
  const std::string good = read_file(state("progress.json"));
  const auto expect = [&](const std::string& from, const std::string& to,
                          const std::string& cause) {
    write_file(state("progress.json"), good);
    change_text(state("progress.json"), from, to);
    expect_refusal("progress.json", cause);
  };
  expect("{", "", "not a JSON object");
  expect("\"version\": 3", "\"version\": \"3\"", "(version)");
  expect("\"step\": 7", "\"step\": -7", "(step)");
  expect("\"best\": ", "\"best\": true, \"x\": ", "(best)");
  expect("\"data_state\"", "\"data\"", "(data_state)");
  expect("\"step\": 7", "\"step\": 5", "its step is 5, its folder's 7");
  expect("\"evaluations_since_best\": 0", "\"evaluations_since_best\": 1", "checksum");
}

TEST_F(ResumeTest, RefusesAPlaceInTheDataThatIsNone) {
  begin();
  make_old();
  const std::string good = read_file(state("progress.json"));
  change_text(state("progress.json"), "\"data_state\": \"", "\"data_state\": \"zz");
  expect_refusal("progress.json", "position in the data");
  write_file(state("progress.json"), good);
  const size_t begin = good.find("\"data_state\": \"") + std::string("\"data_state\": \"").size();
  change_text(state("progress.json"), good.substr(begin, good.find('"', begin) - begin),
              std::string(good.find('"', begin) - begin, 'f'));
  expect_refusal("progress.json", "position in the data");
}

TEST_F(ResumeTest, RefusesWhateverTheManifestDoesNotFind) {
  begin();
  const auto changed = [&](const std::string& file,
                           const std::function<void(std::string&)>& change) {
    const fs::path path = folder_ / "run" / "last" / file;
    const std::string good = read_file(path);
    std::string text = good;
    change(text);
    write_file(path, text);
    expect_refusal(file, "");
    write_file(path, good);
  };
  const auto flip = [](std::string& text) { text.back() = static_cast<char>(text.back() ^ 1); };
  const auto cut = [](std::string& text) { text.pop_back(); };
  for (const char* file : {"model.safetensors", "config.json", "tokenizer.json",
                           "trainer_state/tensors.safetensors", "trainer_state/progress.json"}) {
    changed(file, flip);
    changed(file, cut);
  }
  changed("trainer_state/manifest.json", [](std::string& text) { text.resize(text.size() / 2); });
  fs::rename(folder_ / "run/last/tokenizer.json", folder_ / "kept");
  expect_refusal("tokenizer.json", "it is missing");
  fs::rename(folder_ / "kept", folder_ / "run/last/tokenizer.json");
  fs::rename(state("manifest.json"), folder_ / "kept");
  expect_refusal("progress.json", "no manifest.json");
  fs::rename(folder_ / "kept", state("manifest.json"));
  change_tensors([](Tensors& t) { t.erase("random.cpu"); });
  expect_refusal("tensors.safetensors", "'random.cpu' is missing");
}

TEST_F(ResumeTest, RefusesAStateThatIsNotThisRuns) {
  options_.ema_decay = 0.9;
  begin();
  make_old();  // without sums: names, types and shapes must do
  const std::string good = read_file(state("tensors.safetensors"));
  const auto expect = [&](const std::function<void(Tensors&)>& change, const std::string& cause) {
    change_tensors(change);
    expect_refusal("tensors.safetensors", cause);
    write_file(state("tensors.safetensors"), good);
  };
  const std::string weight = "blocks.0.attention.out_proj.weight", bias = "final_norm.bias";
  expect([](Tensors& t) { t.erase("random.cpu"); }, "'random.cpu' is missing");
  expect([&](Tensors& t) { t.erase("weights." + weight); }, "'weights." + weight + "' is missing");
  expect(
      [](Tensors& t) { std::erase_if(t, [](auto& x) { return x.first.starts_with("weights."); }); },
      "is missing");
  expect([&](Tensors& t) { t["weights." + weight] = torch::zeros({12}); },
         "'weights." + weight + "' is F32 [12], this run's is F32 [12, 12]");
  expect([&](Tensors& t) { t["average." + bias] = torch::zeros({1}); }, "'average." + bias);
  expect([&](Tensors& t) { t["optimizer.exp_avg." + bias] = torch::zeros({12}, torch::kDouble); },
         "F64 [12]");
  expect([](Tensors& t) { t["scaler.state"] = torch::zeros({2}); }, "no use for 'scaler.state'");
  expect([](Tensors& t) { t["random.cpu"].zero_(); }, "'random.cpu' is no state of a generator");
  expect([](Tensors& t) { t["random.cpu"] = torch::zeros({4}); }, "'random.cpu' is F32 [4]");
  train("run", options_, true);  // and with nothing changed it goes on
}

/// A tiny GPT whose batches see the ones before them.
const auto remembers = [](GptOptions& o) {
  o.position = PositionKind::kTransformerXl;
  o.layers = 2;
  o.memory = 11;
};

TEST_F(ResumeTest, ASegmentMemoryGoesOn) {
  options_.accumulate = 2;
  options_.ema_decay = 0.9;
  train(*task(0.1, 4, 0.1, remembers), "whole", options_);
  const auto begin_and_go_on = [&](int64_t first) {
    fs::remove_all(folder_ / "run");
    options_.max_steps = first;
    train(*task(0.1, 4, 0.1, remembers), "run", options_);
    options_.max_steps = 14;
    train(*task(0.1, 4, 0.1, remembers), "run", options_, true);
    expect_equal_runs("whole", "run");
    EXPECT_EQ(evaluations("whole"), evaluations("run"));
  };
  begin_and_go_on(1);
  begin_and_go_on(7);
  // Without what the batch before has left the losses are others.
  TrainOptions one = options_;
  one.max_steps = 2, one.accumulate = 1;
  const auto forgets = [](GptOptions& o) { remembers(o), o.memory = 1; };
  train(*task(0.0, 4, 0.1, remembers), "long", one);
  train(*task(0.0, 4, 0.1, forgets), "short", one);
  EXPECT_EQ(losses("long").front(), losses("short").front());
  EXPECT_NE(losses("long").back(), losses("short").back());
}

TEST_F(ResumeTest, RefusesASegmentMemoryThatIsNotThisRuns) {
  options_.max_steps = 7;
  train(*task(0.1, 4, 0.1, remembers), "run", options_);
  options_.max_steps = 14;
  make_old();  // without sums
  const std::string good = read_file(state("tensors.safetensors"));
  const auto expect = [&](const std::function<void(Tensors&)>& change, const std::string& cause) {
    change_tensors(change);
    EXPECT_THAT([&] { train(*task(0.1, 4, 0.1, remembers), "run", options_, true); },
                ThrowsMessage<std::runtime_error>(
                    AllOf(HasSubstr("tensors.safetensors' is damaged"), HasSubstr(cause))));
    write_file(state("tensors.safetensors"), good);
  };
  expect([](Tensors& t) { t.erase("carried.memory.1"); }, "'memory.1' is missing");
  expect([](Tensors& t) { t.erase("carried.memory.0"), t.erase("carried.memory.1"); },
         "not that of this run's layers");
  expect([](Tensors& t) { t["carried.memory.2"] = t["carried.memory.1"]; },
         "not that of this run's layers");
  for (const auto& wrong :
       {torch::zeros({4, 12, 12}), torch::zeros({3, 11, 12}), torch::zeros({4, 0, 12}),
        torch::zeros({4, 11}), torch::zeros({4, 11, 12}, torch::kLong)})
    expect([&](Tensors& t) { t["carried.memory.0"] = wrong; }, "'memory.0' is no memory");
  expect(
      [](Tensors& t) {
        t["carried.memory.1"] = torch::zeros({4, 5, 12});
      },
      "'memory.1' is no memory");
  train(*task(0.1, 4, 0.1, remembers), "run", options_, true);
}

TEST_F(ResumeTest, ARunWithoutMemoryHasNoUseForOne) {
  begin();
  make_old();
  change_tensors([](Tensors& t) { t["carried.memory.0"] = torch::zeros({4, 8, 12}); });
  expect_refusal("tensors.safetensors", "this run has no use for 'carried.memory.0'");
}

TEST_F(ResumeTest, GoesOnFromACheckpointOfBeforeThereWereManifests) {
  train("whole", options_);
  begin();
  make_old();
  train("run", options_, true);
  expect_equal_runs("whole", "run");
}

TEST_F(ResumeTest, TheNewestCheckpointCountsWhereverTheLinksPoint) {
  train("whole", options_);
  const auto expect_mended = [&](const std::function<void()>& damage) {
    fs::remove_all(folder_ / "run");
    begin();
    damage();
    train("run", options_, true);
    expect_equal_runs("whole", "run");
    EXPECT_EQ(fs::read_symlink(folder_ / "run/best"), fs::read_symlink(folder_ / "whole/best"));
    EXPECT_EQ(evaluations("whole"), evaluations("run"));
  };
  const auto point = [&](const char* link, const std::string& at) {
    fs::remove(folder_ / "run" / link);
    fs::create_symlink(at, folder_ / "run" / link);
  };
  // Killed after the checkpoint was renamed, before the links were made or moved.
  expect_mended([&] {
    for (const char* link : {"last", "best", "config.json", "model.safetensors", "tokenizer.json"})
      fs::remove(folder_ / "run" / link);
  });
  expect_mended([&] { point("last", "checkpoints/step-000005"); });
  expect_mended([&] { point("best", "checkpoints/step-000005"); });
  expect_mended([&] { point("last", "checkpoints/step-000099"); });
}

TEST_F(ResumeTest, ClearsWhatAKilledRunLeft) {
  begin();
  const auto run = folder_ / "run";
  for (const char* file : {".last.5f3a.tmp", ".report.html.0a1b2c3d4e5f6789.tmp",
                           "checkpoints/.step-000009.partial/config.json"}) {
    fs::create_directories((run / file).parent_path());
    write_file(run / file, "half");
  }
  write_file(run / "notes.tmp", "mine");
  write_file(run / ".mine", "mine");
  train("run", options_, true);
  EXPECT_FALSE(fs::exists(run / ".last.5f3a.tmp"));
  EXPECT_FALSE(fs::exists(run / ".report.html.0a1b2c3d4e5f6789.tmp"));
  EXPECT_FALSE(fs::exists(run / "checkpoints/.step-000009.partial"));
  EXPECT_TRUE(fs::exists(run / "notes.tmp"));
  EXPECT_TRUE(fs::exists(run / ".mine"));
}

TEST_F(ResumeTest, RemovesACheckpointTooMany) {
  options_.keep = 1;
  train("whole", options_);
  begin();
  options_.max_steps = 10;
  fs::copy(folder_ / "run/checkpoints/step-000007", folder_ / "kept", fs::copy_options::recursive);
  train("run", options_, true);
  // Killed after the checkpoint of step 10, before that of step 7 went, which it replaces.
  fs::rename(folder_ / "kept", folder_ / "run/checkpoints/step-000007");
  options_.max_steps = 14;
  train("run", options_, true);
  EXPECT_EQ(RunFolder(folder_ / "run").checkpoint_steps(),
            RunFolder(folder_ / "whole").checkpoint_steps());
}

TEST_F(ResumeTest, RefusesOtherDataThanTheRunBeganWith) {
  begin();
  write_text("that is the question, not to be or to be\n");
  EXPECT_THAT([&] { train("run", options_, true); },
              ThrowsMessage<std::runtime_error>(AllOf(
                  HasSubstr("training data has changed since step 7"), Not(HasSubstr("\n")))));
  make_old();  // from before checkpoints knew their data
  change_text(state("progress.json"), "data_fingerprint", "unknown");
  EXPECT_EQ(train("run", options_, true).step, 14);
}

TEST_F(ResumeTest, SaysThatOtherThreadsRoundOtherwise) {
  at::set_num_threads(1);
  begin();
  EXPECT_EQ(notes_of([&] { train("run", options_, true); }), "");
  options_.max_steps = 16;
  at::set_num_threads(2);
  const auto text = notes_of([&] { train("run", options_, true); });
  EXPECT_THAT(text, AllOf(HasSubstr("used 1 threads so far and continues with 2"),
                          HasSubstr("not equal to the last bit")));
  at::set_num_threads(1);
}

TEST_F(ResumeTest, SaysHowManyLinesOfMetricsAreLost) {
  const auto path = folder_ / "run" / "metrics.jsonl";
  const auto lines_lost = [&](const std::function<void(std::string&)>& damage) {
    fs::remove_all(folder_ / "run");
    begin();  // 7 updates; evaluations at 0, 5 and 7, of which the last is not one of the schedule
    std::string text = read_file(path);
    damage(text);
    write_file(path, text);
    const auto words = notes_of([&] { train("run", options_, true); });
    EXPECT_EQ(losses("run").back(), losses("run").back());  // whole lines only
    const auto at = words.find("metrics.jsonl has lost ");
    return at == std::string::npos ? 0 : std::stoi(words.substr(at + 23));
  };
  EXPECT_EQ(lines_lost([](std::string&) {}), 0);
  EXPECT_EQ(lines_lost([](std::string& text) { text += "{\"step\": 8, \"spl"; }), 0);
  EXPECT_EQ(lines_lost([](std::string& text) { text.clear(); }), 10);
  EXPECT_EQ(lines_lost([](std::string& text) { text.resize(text.find('\n') + 1); }), 9);
  EXPECT_EQ(lines_lost([](std::string& text) { text.resize(text.size() - 5); }), 1);
  EXPECT_EQ(lines_lost([](std::string& text) { text[text.find('\n') + 1] = '#'; }), 1);
  fs::remove_all(folder_ / "run");
  begin();
  fs::remove(path);
  EXPECT_THAT(notes_of([&] { train("run", options_, true); }),
              HasSubstr("has lost 10 of the lines"));
}

TEST_F(ResumeTest, AnEvaluationThatASignalEndsIsMadeAgain) {
  train("whole", options_);
  const auto interrupted = [&](int64_t evaluation) {
    fs::remove_all(folder_ / "run");
    TaskProxy proxy(task());
    proxy.before_evaluation = [&] {
      if (evaluation-- == 0) InterruptGuard::request();
    };
    const auto result = train(proxy, "run", options_);
    EXPECT_TRUE(result.interrupted);
    EXPECT_FALSE(train("run", options_, true).interrupted);
    expect_equal_runs("whole", "run");
    EXPECT_EQ(evaluations("whole"), evaluations("run"));
    return result.step;
  };
  EXPECT_EQ(interrupted(0), 0);
  EXPECT_EQ(interrupted(1), 5);
  EXPECT_EQ(interrupted(2), 10);
  EXPECT_EQ(interrupted(3), 14);  // the last: only its verdict was missing
}

TEST_F(ResumeTest, AnUpdateThatASignalEndsIsMadeAgain) {
  options_.accumulate = 4;
  train("whole", options_);
  TaskProxy proxy(task());
  int64_t batches = 0;
  proxy.before_step = [&] {
    if (++batches == 4 * 6 + 2) InterruptGuard::request();  // in the seventh update
    return true;
  };
  EXPECT_EQ(train(proxy, "run", options_).step, 6);
  train("run", options_, true);
  expect_equal_runs("whole", "run");
}

TEST_F(ResumeTest, ABatchWithNothingToLearnFromIsSkippedAndCounted) {
  const auto holes = [&](const std::string& name, int64_t steps, int64_t& batches, bool resume) {
    TaskProxy proxy(task());
    proxy.before_step = [&] { return ++batches % 3 != 0; };
    options_.max_steps = steps;
    train(proxy, name, options_, resume);
  };
  int64_t of_whole = 0, of_parts = 0;
  const auto text = notes_of([&] { holes("whole", 14, of_whole, false); });
  EXPECT_EQ(of_whole, 20);
  EXPECT_THAT(text, AllOf(HasSubstr("nothing to learn from"), HasSubstr("6 batches")));
  holes("parts", 7, of_parts, false);
  EXPECT_THAT(notes_of([&] { holes("parts", 14, of_parts, true); }), HasSubstr("6 batches"));
  expect_equal_runs("whole", "parts");
}

TEST_F(ResumeTest, ARunWithRegularisedHeadsContinuesToTheLastBit) {
  const auto regularised = [&] {
    return task(0.1, 4, 0.1, [](GptOptions& o) {
      o.layers = 2;
      o.drop_path = o.head_dropout = 0.3;
      o.head_diversity = 0.5;
    });
  };
  options_.accumulate = 2;
  train(*regularised(), "whole", options_);
  options_.max_steps = 7;
  train(*regularised(), "parts", options_);
  options_.max_steps = 14;
  train(*regularised(), "parts", options_, true);
  expect_equal_runs("whole", "parts");
  std::vector<double> similarities[2];
  for (const auto& [name, values] :
       {std::pair("whole", &similarities[0]), {"parts", &similarities[1]}}) {
    for (const auto& record : read_metrics(folder_ / name / "metrics.jsonl"))
      if (record.split == "train") values->push_back(record.find("head_similarity").value());
  }
  EXPECT_EQ(similarities[0].size(), 14U);
  EXPECT_EQ(similarities[0], similarities[1]);
  EXPECT_THAT(similarities[0], ::testing::Each(AllOf(::testing::Gt(0.0), ::testing::Lt(1.0))));
}

TEST_F(ResumeTest, DataWithNothingToLearnFromEndsTheRunInOneLine) {
  TaskProxy proxy(task());
  proxy.before_step = [] { return false; };
  EXPECT_THAT([&] { train(proxy, "run", options_); },
              ThrowsMessage<std::runtime_error>(HasSubstr("1000 batches in a row")));
  fs::remove_all(folder_ / "run");
  options_.overfit_one_batch = true;
  EXPECT_THAT([&] { train(proxy, "run", options_); },
              ThrowsMessage<std::runtime_error>(HasSubstr("overfit-one-batch: the first batch")));
}

TEST_F(ResumeTest, AValidationPartWithNothingToMeasureIsNotedOnce) {
  TaskProxy proxy(task());
  proxy.measures = false;
  const auto text = notes_of([&] { train(proxy, "run", options_); });
  const auto at = text.find("holds nothing to measure");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find("holds nothing to measure", at + 1), std::string::npos);
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST_F(ResumeTest, ARunWhoseFolderWasReplacedEndsAndLeavesTheStrangersAlone) {
  const auto replaced = [&](const std::function<void()>& replace) {
    fs::remove_all(folder_ / "run");
    TaskProxy proxy(task());
    int64_t batches = 0;
    proxy.before_step = [&] {
      if (++batches == 6) replace();
      return true;
    };
    EXPECT_THAT([&] { train(proxy, "run", options_); },
                ThrowsMessage<std::runtime_error>(HasSubstr("no longer the one that this run")));
  };
  replaced([&] {
    fs::rename(folder_ / "run", folder_ / "moved");
    fs::create_directories(folder_ / "run/checkpoints");
    write_file(folder_ / "run/mine", "x");
  });
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "run"), {}), 2);
  EXPECT_TRUE(fs::is_empty(folder_ / "run/checkpoints"));
  EXPECT_TRUE(fs::exists(folder_ / "moved/last/model.safetensors"));  // its own goes on
  replaced([&] { fs::remove_all(folder_ / "run"); });
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  replaced([&] {  // made anew at once: the number of its inode must not be the old one's
    fs::remove_all(folder_ / "run");
    fs::create_directories(folder_ / "run");
  });
  EXPECT_TRUE(fs::is_empty(folder_ / "run"));
}

}  // namespace
}  // namespace zoo::testing
