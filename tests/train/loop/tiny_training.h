// Runs of a tiny GPT, for tests of what happens around them.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/pretrained/format/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"
#include "train/gpt/gpt_task.h"
#include "train/loop/trainer.h"
#include "train/run/metrics.h"

namespace zoo::testing {

/// Keeps what a run reports.
struct RecordingObserver : TrainingObserver {
  void begin(int64_t step, int64_t max_steps, const std::string& unit) override {
    events.push_back(fmt::format("begin {} {} {}", step, max_steps, unit));
  }
  void update(int64_t step, const Update&) override {
    events.push_back(fmt::format("update {}", step));
  }
  void evaluation(const EvaluationReport& report) override {
    events.push_back(fmt::format("evaluation {} {}{}", report.step, report.metric,
                                 report.is_best ? " best" : ""));
  }
  void end() override { events.emplace_back("end"); }
  void average(const AverageReport& report) override {
    events.push_back(fmt::format("average {}", report.checkpoints));
  }
  void note(const std::string& line) override { notes += line + "\n"; }
  std::vector<std::string> events;
  std::string notes;
};

/// A tiny GPT on a text of its own; dropout is on, so that a resume must restore torch's generator,
/// too.
class TinyTraining : public ::testing::Test {
 protected:
  void SetUp() override { write_text("to be or not to be, that is the question\n"); }
  void write_text(const std::string& line) {
    std::string text;
    for (int n = 0; n < 200; ++n) text += line;
    TokenStreamWriter writer(folder_ / "text.tokens",
                             static_cast<uint64_t>(tokenizer_->vocab_size()),
                             fingerprint(*tokenizer_));
    writer.append(tokenizer_->ids(text), text.size());
    writer.finish();
  }
  std::unique_ptr<GptTask> task(double dropout = 0.1, int64_t batch = 4,
                                double validation_share = 0.1,
                                const std::function<void(GptOptions&)>& change = {}) {
    GptOptions model;
    model.vocab_size = tokenizer_->vocab_size();
    model.context = 8;
    model.layers = 1;
    model.d_model = 12;
    model.heads = 3;
    model.residual_dropout = model.attention_dropout = dropout;
    if (change) change(model);
    TextOptions text;
    text.batch_size = batch;
    text.sample_tokens = 5;
    torch::manual_seed(5);
    Gpt gpt(model);
    auto stream = std::make_shared<TokenStream>(folder_ / "text.tokens");
    return std::make_unique<GptTask>(gpt, tokenizer_, split_text(stream, validation_share), text,
                                     5);
  }
  static TrainOptions options(int64_t max_steps) {
    TrainOptions o;
    o.max_steps = max_steps;
    o.learning_rate = 1e-2;
    o.schedule = {.warmup_steps = 3, .steps = 20};
    o.evaluate_every = 5;
    return o;
  }
  TrainResult train(const std::string& name, const TrainOptions& o, bool resume = false,
                    double dropout = 0.1) {
    return train(*task(dropout), name, o, resume);
  }
  TrainResult train(Task& task, const std::string& name, const TrainOptions& o,
                    bool resume = false) {
    const zoo::Run run{.folder = folder_ / name,
                       .title = name,
                       .recipe = resume ? "" : "tiny",
                       .config_text = "seed = 1\n",
                       .resume = resume};
    return fit(task, o, run, observer_);
  }
  std::vector<double> losses(const std::string& name) {
    std::vector<double> values;
    for (const auto& record : read_metrics(folder_ / name / "metrics.jsonl")) {
      if (record.split == "train") values.push_back(*record.find("loss"));
    }
    return values;
  }
  std::vector<std::pair<int64_t, double>> evaluations(const std::string& name) {
    std::vector<std::pair<int64_t, double>> values;
    for (const auto& record : read_metrics(folder_ / name / "metrics.jsonl")) {
      if (record.split == "val") values.emplace_back(record.step, *record.find("loss"));
    }
    return values;
  }
  std::map<std::string, torch::Tensor> weights(const std::string& name) {
    const SafetensorsReader reader(folder_ / name / "last" / "model.safetensors");
    std::map<std::string, torch::Tensor> all;
    for (const auto& tensor : reader.names()) all[tensor] = reader.tensor(tensor);
    return all;
  }
  void expect_equal_runs(const std::string& a, const std::string& b) {
    EXPECT_EQ(losses(a), losses(b));
    const auto of_a = weights(a), of_b = weights(b);
    ASSERT_EQ(of_a.size(), of_b.size());
    for (const auto& [name, tensor] : of_a) EXPECT_TRUE(tensor.equal(of_b.at(name))) << name;
  }
  TemporaryFolder folder_;
  RecordingObserver observer_;
  std::shared_ptr<Tokenizer> tokenizer_ = std::make_shared<CharacterTokenizer>(U"\n ,abehinoqrstu");
};

}  // namespace zoo::testing
