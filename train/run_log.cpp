#include "train/run_log.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "app/files.h"

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
    Sample sample{.step = json["step"].get<int64_t>(), .text = json["text"].get<std::string>()};
    if (json.contains("figure") && json["figure"].is_string())
      sample.figure = json["figure"].get<std::string>();
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::string sample_line(const Sample& sample) {
  nlohmann::ordered_json json = {{"step", sample.step}, {"text", sample.text}};
  if (!sample.figure.empty()) json["figure"] = sample.figure;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

// TensorBoard forgets whole steps only: where an evaluation is dropped, its step's other numbers
// are written again.
RunLog::RunLog(const RunFolder& folder, ReportInput report, std::optional<int64_t> resumed_at,
               bool drop_evaluation)
    : folder_(folder),
      metrics_(folder / "metrics.jsonl", resumed_at, drop_evaluation),
      tensorboard_(folder / "tensorboard",
                   drop_evaluation && resumed_at ? std::optional(*resumed_at - 1) : resumed_at),
      report_(std::move(report)) {
  if (!resumed_at) return;
  report_.metrics = read_metrics(folder_ / "metrics.jsonl");
  report_.samples =
      read_samples(folder_ / "samples.jsonl", drop_evaluation ? *resumed_at - 1 : *resumed_at);
  if (!drop_evaluation) return;
  for (const MetricsRecord& record : report_.metrics) {
    if (record.step == *resumed_at) to_tensorboard(record);
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

void RunLog::sample(const Sample& sample) {
  report_.samples.push_back(sample);
  std::string lines;
  for (const Sample& one : report_.samples) lines += sample_line(one);
  write_file(folder_ / "samples.jsonl", lines);
  tensorboard_.text("sample", "```\n" + sample.text + "\n```", sample.step);
}

void RunLog::write_report(const Verdict& verdict) {
  report_.verdict = verdict;
  write_file(folder_ / "report.html", render_report(report_));
}

}  // namespace zoo
