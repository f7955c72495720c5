#include "train/loop/trainer.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/files.h"
#include "base/interrupt.h"
#include "models/pretrained/format/safetensors.h"
#include "tests/train/loop/tiny_training.h"
#include "train/run/run_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

using TrainerTest = TinyTraining;

TEST_F(TrainerTest, LearnsAndSaysSo) {
  auto o = options(20);
  o.expect_at_most = 3.0;
  const auto result = train("run", o);
  EXPECT_EQ(result.step, 20);
  const auto all = losses("run");
  ASSERT_EQ(all.size(), 20U);
  EXPECT_NEAR(all.front(), std::log(15.0), 0.1);  // untrained: as good as guessing
  EXPECT_LT(all.back(), all.front() - 0.2);
  EXPECT_EQ(result.verdict.outcome, Outcome::kReached);
  for (const char* file :
       {"config.json", "model.safetensors", "tokenizer.json", "report.html", "run.toml"}) {
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  }
}

TEST_F(TrainerTest, ReportsWhatHappensToItsObserver) {
  auto o = options(6);
  o.average_last = 1;
  train("run", o);
  EXPECT_THAT(
      observer_.events,
      ::testing::ElementsAre("evaluation 0 loss best", "begin 0 6 tokens", "update 1", "update 2",
                             "update 3", "update 4", "update 5", "evaluation 5 loss best",
                             "update 6", "evaluation 6 loss best", "end", "average 1"));
}

TEST_F(TrainerTest, EqualSeedsGiveEqualRuns) {
  train("a", options(8));
  train("b", options(8));
  expect_equal_runs("a", "b");
}

TEST_F(TrainerTest, ResumeContinuesToTheLastBit) {
  train("whole", options(14));
  train("parts", options(7));
  train("parts", options(14), /*resume=*/true);
  expect_equal_runs("whole", "parts");
}

TEST_F(TrainerTest, ResumeOfReversibleLayersContinuesToTheLastBit) {
  const auto reversible = [&] {
    return task(0.2, 4, 0.1, [](GptOptions& o) { o.reversible = true, o.layers = 3; });
  };
  train(*reversible(), "whole", options(14));
  train(*reversible(), "parts", options(7));
  train(*reversible(), "parts", options(14), /*resume=*/true);
  expect_equal_runs("whole", "parts");
}

TEST_F(TrainerTest, ResumeWithMovingAverageContinuesToTheLastBit) {
  auto o = options(14);
  o.ema_decay = 0.9;
  train("whole", o);
  o.max_steps = 7;
  train("parts", o);
  o.max_steps = 14;
  train("parts", o, /*resume=*/true);
  expect_equal_runs("whole", "parts");
}

TEST_F(TrainerTest, MetricsPastTheCheckpointAreCutOnResume) {
  train("run", options(7));
  const auto path = folder_ / "run" / "metrics.jsonl";
  write_file(path, read_file(path) +
                       "{\"step\": 8, \"split\": \"train\", \"loss\": 99}\n{\"step\": 9, \"sp");
  train("run", options(9), /*resume=*/true);
  EXPECT_EQ(losses("run").size(), 9U);
  EXPECT_LT(losses("run")[7], 50.0);
}

TEST_F(TrainerTest, EvaluationsAndSamplesDoNotTouchTheTrainingStream) {
  auto rarely = options(10);
  rarely.evaluate_every = 10;
  auto often = options(10);
  often.evaluate_every = 1;
  train("rarely", rarely);
  train("often", often);
  EXPECT_EQ(losses("rarely"), losses("often"));
}

TEST_F(TrainerTest, AccumulatingTwoHalvesEqualsOneBatch) {
  auto whole = options(1);
  auto halves = options(1);
  halves.accumulate = 2;
  fit(*task(0.0, 8), whole, {.folder = folder_ / "whole", .title = "", .config_text = ""});
  fit(*task(0.0, 4), halves, {.folder = folder_ / "halves", .title = "", .config_text = ""});
  EXPECT_NEAR(losses("whole")[0], losses("halves")[0], 1e-5);
  const auto a = weights("whole"), b = weights("halves");
  for (const auto& [name, tensor] : a) {
    EXPECT_TRUE(torch::allclose(tensor, b.at(name), 1e-3, 1e-5)) << name;
  }
}

TEST_F(TrainerTest, OverfitsOneBatch) {
  auto o = options(150);
  o.overfit_one_batch = true;
  o.schedule.kind = ScheduleKind::kConstant;
  o.evaluate_every = 150;
  const auto result = train("run", o, false, 0.0);
  EXPECT_LT(losses("run").back(), 0.1);
  EXPECT_EQ(result.verdict.outcome, Outcome::kReached);
}

TEST_F(TrainerTest, ANotANumberLossEndsTheRunAndKeepsItsCheckpoints) {
  auto o = options(50);
  o.clip = 0.0;
  o.weight_decay = 0.0;
  o.learning_rate = 1e30;
  o.schedule = {.kind = ScheduleKind::kConstant, .warmup_steps = 0, .steps = 50};
  o.evaluate_every = 1;
  try {
    train("run", o);
    FAIL() << "the loss stayed a number";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), ::testing::AllOf(HasSubstr("became"), HasSubstr("learning-rate")));
  }
  const RunFolder run(folder_ / "run");
  for (const auto step : run.checkpoint_steps()) {
    EXPECT_TRUE(fs::exists(run.checkpoint(step) / "model.safetensors"));
  }
}

TEST_F(TrainerTest, AnInterruptSavesAndResumeGoesOn) {
  train("whole", options(12));
  {
    const InterruptGuard guard;
    InterruptGuard::request();
    const auto result = train("parts", options(12));
    EXPECT_TRUE(result.interrupted);
    EXPECT_LT(result.step, 12);
  }
  train("parts", options(12), /*resume=*/true);
  expect_equal_runs("whole", "parts");
}

TEST_F(TrainerTest, StopsEarlyWhenNothingGetsBetter) {
  auto o = options(100);
  o.learning_rate = 0.0;
  o.patience = 2;
  const auto result = train("run", o);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.step, 10);
}

TEST_F(TrainerTest, StoppingEarlyIsSaidAndHoldsOnResume) {
  auto o = options(100);
  o.learning_rate = 0.0;
  o.patience = 2;
  EXPECT_THAT(train("run", o).verdict.sentence, HasSubstr("Stopped early: 2 evaluations"));
  const auto again = train("run", o, /*resume=*/true);
  EXPECT_EQ(again.updates, 0);
  EXPECT_TRUE(again.stopped_early);
}

TEST_F(TrainerTest, WithoutValidationThereIsNothingToLosePatienceWith) {
  auto o = options(20);
  o.patience = 1;
  const auto result = fit(*task(0.1, 4, 0.0), o, {.folder = folder_ / "run", .title = ""});
  EXPECT_FALSE(result.stopped_early);
  EXPECT_EQ(result.step, 20);
}

TEST_F(TrainerTest, AStopBetweenEvaluationsLeavesNoTraceInTheRunThatGoesOn) {
  auto o = options(20);
  o.keep = 2;
  o.average_last = 2;
  train("whole", o);
  o.average_last = 0;
  o.max_steps = 7;  // evaluates there, too
  EXPECT_EQ(train("parts", o).best_step, 7);
  o.max_steps = 13;
  train("parts", o, /*resume=*/true);
  o.average_last = 2;
  o.max_steps = 20;
  train("parts", o, /*resume=*/true);
  expect_equal_runs("whole", "parts");
  EXPECT_EQ(evaluations("whole"), evaluations("parts"));
  const RunFolder whole(folder_ / "whole"), parts(folder_ / "parts");
  EXPECT_EQ(whole.checkpoint_steps(), parts.checkpoint_steps());
  EXPECT_EQ(fs::read_symlink(whole / "best"), fs::read_symlink(parts / "best"));
  EXPECT_EQ(read_file(whole / "averaged/model.safetensors"),
            read_file(parts / "averaged/model.safetensors"));
}

TEST_F(TrainerTest, ARunAtItsEndIsMeasuredThereAndNotTrained) {
  {
    const InterruptGuard guard;
    const auto stop = [](torch::nn::Module&, double) { InterruptGuard::request(); };
    fit(*task(), options(20), {.folder = folder_ / "run", .inspect_first_gradients = stop});
  }
  const auto result = train("run", options(1), /*resume=*/true);
  EXPECT_EQ(result.updates, 0);
  ASSERT_EQ(evaluations("run").size(), 2U);
  EXPECT_EQ(evaluations("run").back().first, 1);
  train("run", options(1), /*resume=*/true);  // and that is remembered
  EXPECT_EQ(evaluations("run").size(), 2U);
  EXPECT_THAT([&] { train("run", options(0), true); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("is at step 1 already")));
}

TEST_F(TrainerTest, TheConfigurationOfAResumeIsKept) {
  train("run", options(5));
  fit(*task(), options(9), {.folder = folder_ / "run", .config_text = "new = 1\n", .resume = true});
  EXPECT_EQ(read_file(folder_ / "run" / "run.toml"), "new = 1\n");
}

TEST_F(TrainerTest, TrainedWeightsStayTheBestWhereTrainingMakesThemWorse) {
  auto o = options(5);
  o.learning_rate = 10.0;
  o.schedule = {.kind = ScheduleKind::kConstant, .warmup_steps = 0, .steps = 5};
  o.clip = 0.0;
  const auto result = fit(*task(), o, {.folder = folder_ / "run", .starts_trained = true});
  EXPECT_EQ(result.best_step, 0);
  EXPECT_EQ(fs::read_symlink(folder_ / "run" / "best"), "checkpoints/step-000000");
  EXPECT_EQ(fs::read_symlink(folder_ / "run" / "config.json"), "best/config.json");
}

TEST_F(TrainerTest, TheFirstGradientsAreThoseOfTheMeanWhateverIsAccumulated) {
  const auto gradients = [&](const std::string& name, int64_t batch, int64_t accumulate) {
    auto o = options(1);
    o.accumulate = accumulate;
    torch::Tensor seen;
    const auto look = [&](torch::nn::Module& module, double divisor) {
      seen = module.parameters().back().grad() / divisor;
    };
    fit(*task(0.0, batch), o, {.folder = folder_ / name, .inspect_first_gradients = look});
    return seen;
  };
  EXPECT_TRUE(torch::allclose(gradients("whole", 8, 1), gradients("halves", 4, 2), 1e-4, 1e-6));
}

TEST_F(TrainerTest, MetricsAreOfTrainingOrValidation) {
  auto o = options(10);
  o.average_last = 2;
  train("run", o);
  for (const auto& record : read_metrics(folder_ / "run" / "metrics.jsonl"))
    EXPECT_TRUE(record.split == "train" || record.split == "val") << record.split;
  EXPECT_THAT(read_file(folder_ / "run" / "report.html"),
              HasSubstr("average of the last 2 checkpoints"));
}

TEST_F(TrainerTest, AveragesTheLastCheckpoints) {
  auto o = options(15);
  o.average_last = 2;
  train("run", o);
  const SafetensorsReader averaged(folder_ / "run" / "averaged" / "model.safetensors");
  const RunFolder run(folder_ / "run");
  const SafetensorsReader a(run.checkpoint(10)), b(run.checkpoint(15));
  for (const auto& name : averaged.names()) {
    const auto mean = (a.tensor(name).to(torch::kDouble) + b.tensor(name)) / 2;
    EXPECT_TRUE(torch::allclose(averaged.tensor(name).to(torch::kDouble), mean, 1e-6, 1e-7))
        << name;
  }
}

TEST_F(TrainerTest, SixteenBitForwardPassesTrainAsWell) {
  auto o = options(20);
  o.precision = Precision::kBf16;
  train("run", o);
  EXPECT_LT(losses("run").back(), losses("run").front() - 0.2);
}

TEST_F(TrainerTest, RefusesAFolderThatHoldsARun) {
  train("run", options(1));
  EXPECT_THAT([&] { train("run", options(1)); },
              ThrowsMessage<std::runtime_error>(HasSubstr("already holds a run")));
}

TEST_F(TrainerTest, RefusesOptionsOutOfRange) {
  auto o = options(1);
  o.beta2 = 1.0;
  EXPECT_THAT([&] { train("run", o); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("beta2 must be in [0, 1), got 1")));
  const auto refuse = [&](const auto& change, const std::string& message) {
    auto changed = options(1);
    change(changed);
    EXPECT_THAT([&] { train("run", changed); },
                ThrowsMessage<std::invalid_argument>(HasSubstr(message)));
  };
  const double nan = -std::nan("");
  refuse([&](auto& t) { t.expect_at_least = nan; }, "expect-at-least must be a number, got nan");
  refuse([&](auto& t) { t.expect_at_most = -1.0 / 0.0; },
         "expect-at-most must be a number, got -inf");
  refuse([&](auto& t) { t.learning_rate = nan; },
         "learning-rate must be a number, 0 or more, got nan");
  refuse([&](auto& t) { t.beta1 = nan; }, "beta1");
  refuse([&](auto& t) { t.ema_decay = nan; }, "ema-decay");
  refuse([&](auto& t) { t.schedule.final_share = nan; }, "final-share");
  refuse([&](auto& t) { t.expect_at_least = 2.0, t.expect_at_most = 1.0; },
         "expect-at-least must be expect-at-most 1 or less, got 2");
}

}  // namespace
}  // namespace zoo::testing
