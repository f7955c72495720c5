// Writes a run folder as a training run leaves it, out of made-up curves: for tests of other
// readers (tests/interop/tensorboard_test.py) and for looking at report.html in a browser.
//
//   report_sample FOLDER
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <random>

#include "app/run_app.h"
#include "base/files.h"
#include "train/run/metrics.h"
#include "train/run/report.h"
#include "train/run/tensorboard.h"

namespace {

constexpr int64_t kSteps = 2000, kEvery = 250, kResumedAfter = 1000;

double expected_loss(double step) { return 1.55 + 2.65 * std::exp(-std::pow(step / 240, 0.6)); }

zoo::MetricsRecord train_record(int64_t step, std::mt19937& random) {
  std::normal_distribution<double> noise;
  const auto x = static_cast<double>(step);
  const double loss = expected_loss(x) + 0.06 * noise(random);
  const double lr =
      x < 100 ? 1e-3 * x / 100 : 1e-4 + 4.5e-4 * (1 + std::cos(M_PI * (x - 100) / (kSteps - 100)));
  return {step,
          "train",
          {{"loss", loss},
           {"perplexity", std::exp(loss)},
           {"lr", lr},
           {"grad_norm", 0.4 + 2 * std::exp(-x / 80) + 0.1 * std::abs(noise(random))},
           {"tokens_per_s", 34000 + 1500 * noise(random)},
           {"elapsed_s", 0.0225 * x}}};
}

zoo::MetricsRecord val_record(int64_t step) {
  const double loss = expected_loss(static_cast<double>(step)) + 0.12;
  return {step,
          "val",
          {{"loss", loss},
           {"perplexity", std::exp(loss)},
           {"accuracy", 1 - loss / 4.3},
           {"elapsed_s", 0.0225 * static_cast<double>(step)}}};
}

struct Run {
  std::filesystem::path folder;
  std::mt19937 random{1};

  void write(zoo::MetricsLog& log, zoo::TensorBoardWriter& events,
             const zoo::MetricsRecord& record) const {
    log.write(record);
    for (const auto& [key, value] : record.values) {
      events.scalar(key + "/" + record.split, value, record.step, 1.7e9 + record.step);
    }
  }

  void part(std::optional<int64_t> resume_after, int64_t first, int64_t last) {
    std::optional<zoo::MetricsResume> resume;
    if (resume_after) resume.emplace(zoo::MetricsResume{.step = *resume_after});
    zoo::MetricsLog log(folder / "metrics.jsonl", resume);
    zoo::TensorBoardWriter events(folder, resume_after);
    if (first == 1) {
      events.text("configuration", "    layers = 4\n    name = \"a & b\"", 0, 1.7e9);
      write(log, events, val_record(0));
    }
    for (int64_t step = first; step <= last; ++step) {
      write(log, events, train_record(step, random));
      if (step % kEvery == 0) write(log, events, val_record(step));
    }
  }
};

zoo::ReportInput report_of(const std::filesystem::path& folder) {
  zoo::ReportInput input;
  input.title = "gpt-shakespeare-cpu";
  input.config_text =
      "# Model\nlayers = 4\nheads = 4\nwidth = 128\ncontext = 64\nnorm = \"layer\"\n\n"
      "# Training\nmax-steps = 2000\nlr = 0.001\nbatch = 12\nout = \"runs/shakespeare\"\n\n"
      "# Data\ndata = \"data/tinyshakespeare/input.txt\"\nval-part = 0.1\n";
  input.metrics = zoo::read_metrics(folder / "metrics.jsonl");
  input.samples = {{0, "k;Vq$Zzt&nP<b>!wm\nXf3"},
                   {1000, "ROMEO:\nI wat the sare of herth,\nAnd thou but the wing."},
                   {2000,
                    "JULIET:\nWhat is the matter, that the hand of all\nMy lord and father "
                    "should have been so stand?"}};
  input.chance_level = std::log(65.0);
  input.expected_band = {{1.68, 1.91}};
  input.verdict = {zoo::Outcome::kReached, "val loss 1.7 (best, step 2000): as expected."};
  input.facts = {{"parameters", "0.80 M"}, {"device", "cpu, 2 threads"}};
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("report_sample", [&] {
    if (argc != 2) throw zoo::UsageError("usage: report_sample FOLDER");
    Run run{argv[1]};
    std::filesystem::create_directories(run.folder);
    // Killed some steps past its checkpoint, then continued from there.
    run.part({}, 1, kResumedAfter + 37);
    run.part(kResumedAfter, kResumedAfter + 1, kSteps);
    zoo::write_file(run.folder / "report.html", zoo::render_report(report_of(run.folder)));
    std::cout << (run.folder / "report.html").string() << '\n';
    return 0;
  });
}
