// metrics.jsonl: a run's metrics, one JSON object per line, for programs and for the report.
//
//   {"step": 250, "split": "val", "loss": 2.1, "perplexity": 8.2, "elapsed_s": 7.9}
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace zoo {

struct MetricsRecord {
  int64_t step = 0;   // updates done
  std::string split;  // "train" or "val"
  std::vector<std::pair<std::string, double>> values;

  std::optional<double> find(const std::string& key) const;
};

/// One line without its line end. step and split come first, then loss, perplexity, bits_per_byte,
/// accuracy, bleu, then others in their order, then lr, grad_norm, tokens_per_s, elapsed_s. Numbers
/// read back to the same double. NaN and infinities are written as null, because JSON has neither.
/// Throws std::invalid_argument for a duplicate key.
std::string to_json_line(const MetricsRecord& record);

/// The point at which a run with metrics resumes.
struct MetricsResume {
  int64_t step = 0;              // of the checkpoint; lines of later steps are cut
  bool drop_evaluation = false;  // that step's "val" lines are cut as well
  /// Lines of the file when the checkpoint was written; later ones are cut. Nothing: unknown.
  std::optional<int64_t> lines = {};
};

/// Appends to a run's metrics.jsonl; write() passes each line to the system before it returns.
class MetricsLog {
 public:
  /// Opens a new file, which must not exist, or the file of a resumed run: then it first cuts lines
  /// after the checkpoint and lines that cannot be read.
  explicit MetricsLog(const std::filesystem::path& path, std::optional<MetricsResume> resume = {});
  /// Throws std::runtime_error if the disk is full.
  void write(const MetricsRecord& record);
  /// Lines in the file.
  int64_t lines() const { return kept_.lines; }
  /// Lines that the resumed run had written by its checkpoint and that are missing or damaged.
  int64_t lost() const { return kept_.lost; }

 private:
  struct Kept {
    bool any = false;
    int64_t lines = 0, lost = 0;
  };
  static Kept cut(const std::filesystem::path& path, const MetricsResume& resume);
  Kept kept_;
  GrowingFile file_;
};

/// All records; null reads as NaN. Ignores an incomplete last line, which a killed run may leave.
/// Throws std::runtime_error with file and line number for any other invalid line.
std::vector<MetricsRecord> read_metrics(const std::filesystem::path& path);

}  // namespace zoo
