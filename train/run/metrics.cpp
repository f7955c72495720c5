#include "train/run/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>

namespace zoo {
namespace {

using Json = nlohmann::ordered_json;

int rank_of(std::string_view key) {
  static constexpr std::array<std::string_view, 5> kFirst = {"loss", "perplexity", "bits_per_byte",
                                                             "accuracy", "bleu"};
  static constexpr std::array<std::string_view, 6> kLast = {
      "lr", "grad_norm", "tokens_per_s", "images_per_s", "pairs_per_s", "elapsed_s"};
  const auto first = std::find(kFirst.begin(), kFirst.end(), key);
  if (first != kFirst.end()) return static_cast<int>(first - kFirst.begin());
  const auto last = std::find(kLast.begin(), kLast.end(), key);
  return last == kLast.end() ? 100 : 200 + static_cast<int>(last - kLast.begin());
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0 && std::signbit(value)) return "-0.0";  // "-0" would read back as the integer 0
  return fmt::format("{}", value);
}

/// Throws std::runtime_error or one of Json's exceptions where the text is no metrics line.
MetricsRecord parse_line(std::string_view text) {
  const Json json = Json::parse(text);
  if (!json.is_object()) throw std::runtime_error("not an object");
  MetricsRecord record;
  record.step = json.at("step").get<int64_t>();
  record.split = json.at("split").get<std::string>();
  for (const auto& [key, value] : json.items()) {
    if (key == "step" || key == "split") continue;
    if (!value.is_number() && !value.is_null()) {
      throw std::runtime_error("'" + key + "' is not a number");
    }
    record.values.emplace_back(
        key, value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  }
  return record;
}

struct Line {
  std::string_view text;
  std::optional<MetricsRecord> record;  // nothing: `why` not
  std::string why;
  bool torn = false;  // the last one, without its end
};

std::vector<Line> parse_lines(std::string_view bytes) {
  std::vector<Line> lines;
  for (size_t start = 0; start < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    Line line{.text = bytes.substr(start, end - start), .record = {}, .why = {}};
    try {
      line.record = parse_line(line.text);
    } catch (const std::exception& error) {
      line.why = error.what();
      line.torn = end == bytes.size();
    }
    lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

}  // namespace

std::optional<double> MetricsRecord::find(const std::string& key) const {
  for (const auto& [name, value] : values) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::string to_json_line(const MetricsRecord& record) {
  auto values = record.values;
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
    return rank_of(a.first) < rank_of(b.first);
  });
  std::set<std::string> seen = {"step", "split"};
  std::string line =
      fmt::format("{{\"step\": {}, \"split\": {}", record.step, Json(record.split).dump());
  for (const auto& [key, value] : values) {
    if (!seen.insert(key).second) {
      throw std::invalid_argument(fmt::format("metrics: '{}' comes twice in one line", key));
    }
    line += fmt::format(", {}: {}", Json(key).dump(), json_number(value));
  }
  return line + "}";
}

MetricsLog::MetricsLog(const std::filesystem::path& path, std::optional<MetricsResume> resume)
    : kept_(resume ? cut(path, *resume) : Kept{}), file_(path, kept_.any) {}

MetricsLog::Kept MetricsLog::cut(const std::filesystem::path& path, const MetricsResume& resume) {
  Kept kept{.any = std::filesystem::exists(path)};
  const std::string bytes = kept.any ? read_file(path) : std::string();
  std::string text;
  int64_t written = 0;  // by the checkpoint
  std::vector<Line> lines = parse_lines(bytes);
  const auto all = static_cast<size_t>(resume.lines.value_or(std::ssize(lines)));
  lines.resize(std::min(lines.size(), all));
  for (const Line& line : lines) {
    if (!line.record && !resume.lines && !line.torn) ++kept.lost;
    if (!line.record || line.record->step > resume.step) continue;
    ++written;
    if (resume.drop_evaluation && line.record->step == resume.step && line.record->split == "val")
      continue;
    ++kept.lines;
    text += line.text;
    text += '\n';
  }
  if (resume.lines) kept.lost = *resume.lines - written;
  if (kept.any && text != bytes) write_file(path, text);
  return kept;
}

void MetricsLog::write(const MetricsRecord& record) {
  file_.append(to_json_line(record) + "\n");
  ++kept_.lines;
}

std::vector<MetricsRecord> read_metrics(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<MetricsRecord> records;
  for (Line& line : parse_lines(bytes)) {
    if (line.torn) break;  // the writer was killed within this line
    if (!line.record) {
      throw std::runtime_error(fmt::format("{} line {}: not a line of metrics ({})", path.string(),
                                           records.size() + 1, line.why));
    }
    records.push_back(std::move(*line.record));
  }
  return records;
}

}  // namespace zoo
