#include "train/run/run_log.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/files.h"

namespace zoo {
namespace {

/// Samples of an earlier part of the run; a damaged line is left out: samples are for reading.
std::vector<Sample> read_samples(const std::filesystem::path& path, int64_t up_to_step) {
  std::vector<Sample> samples;
  if (!std::filesystem::exists(path)) return samples;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step") || !json.contains("text")) continue;
    if (!json["step"].is_number_integer() || !json["text"].is_string()) continue;
    if (json["step"].get<int64_t>() > up_to_step) continue;
    samples.push_back({json["step"].get<int64_t>(), json["text"].get<std::string>()});
  }
  return samples;
}

std::string sample_line(const Sample& sample) {
  const nlohmann::ordered_json json = {{"step", sample.step}, {"text", sample.text}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// Whose numbers all stay.
int64_t last_step(const MetricsResume& resumed) {
  return resumed.drop_evaluation ? resumed.step - 1 : resumed.step;
}

}  // namespace

// TensorBoard forgets whole steps only: where an evaluation is dropped, its step's other numbers
// are written again.
RunLog::RunLog(const RunFolder& folder, ReportInput report,
               const std::optional<MetricsResume>& resumed)
    : folder_(folder),
      metrics_(folder / "metrics.jsonl", resumed),
      tensorboard_(folder / "tensorboard",
                   resumed ? std::optional(last_step(*resumed)) : std::nullopt),
      report_(std::move(report)) {
  if (!resumed) return;
  report_.metrics = read_metrics(folder_ / "metrics.jsonl");
  report_.samples = read_samples(folder_ / "samples.jsonl", last_step(*resumed));
  if (!resumed->drop_evaluation) return;
  for (const MetricsRecord& record : report_.metrics) {
    if (record.step == resumed->step) to_tensorboard(record);
  }
}

void RunLog::record(const MetricsRecord& record) {
  metrics_.write(record);
  to_tensorboard(record);
  report_.metrics.push_back(record);
}

void RunLog::to_tensorboard(const MetricsRecord& record) {
  for (const auto& [name, value] : record.values) {
    tensorboard_.scalar(record.split + "/" + name, value, record.step);
  }
}

void RunLog::fact(const std::string& name, const std::string& value) {
  report_.facts.emplace_back(name, value);
}

void RunLog::sample(int64_t step, const std::string& text) {
  report_.samples.push_back({step, text});
  std::string lines;
  for (const Sample& sample : report_.samples) lines += sample_line(sample);
  write_file(folder_ / "samples.jsonl", lines);
  tensorboard_.text("sample", "```\n" + text + "\n```", step);
}

void RunLog::write_report(const Verdict& verdict) {
  report_.verdict = verdict;
  write_file(folder_ / "report.html", render_report(report_));
}

}  // namespace zoo
