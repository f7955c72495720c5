// metrics.jsonl: what a run measured, one JSON object a line, for programs and for the report.
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

/// One line without its end. step and split come first, then loss, perplexity, bits_per_byte,
/// accuracy, bleu, then others in their order, then lr, grad_norm, tokens_per_s, elapsed_s. Numbers
/// read back to the same double. What is not finite is written as null, because JSON has no NaN.
/// Throws std::invalid_argument for a key that comes twice.
std::string to_json_line(const MetricsRecord& record);

/// Where a run resumes that has written metrics before.
struct MetricsResume {
  int64_t step = 0;              // of the checkpoint; lines of later steps are cut
  bool drop_evaluation = false;  // that step's "val" lines are cut as well
  /// Of the file when the checkpoint was written; what came later is cut. Nothing: not known.
  std::optional<int64_t> lines = {};
};

/// Appends to a run's metrics.jsonl; each line is on its way to the disk before write returns.
class MetricsLog {
 public:
  /// A new file, which must not exist; or the file of the run that is continued: what came after
  /// its checkpoint is cut first, and so are lines that cannot be read.
  explicit MetricsLog(const std::filesystem::path& path, std::optional<MetricsResume> resume = {});
  /// Throws std::runtime_error on a full disk.
  void write(const MetricsRecord& record);
  /// In the file.
  int64_t lines() const { return kept_.lines; }
  /// That the continued run had written by its checkpoint and that are gone or damaged.
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

/// All records; null reads as NaN. A torn last line, as a killed run leaves it, is left out. Throws
/// std::runtime_error with file and line number for anything else that is no metrics line.
std::vector<MetricsRecord> read_metrics(const std::filesystem::path& path);

}  // namespace zoo
