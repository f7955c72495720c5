// The flags of scores, with sacrebleu's names and meanings.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/named_enum.h"
#include "infer/scores/bleu.h"
#include "infer/scores/chrf.h"
#include "infer/scores/ter.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace zoo {

enum class ScoreMetric { kBleu, kChrf, kChrfPlusPlus, kTer };

template <>
struct EnumNames<ScoreMetric> {
  static constexpr std::string_view what = "metric";
  static constexpr std::pair<ScoreMetric, std::string_view> values[] = {
      {ScoreMetric::kBleu, "bleu"},
      {ScoreMetric::kChrf, "chrf"},
      {ScoreMetric::kChrfPlusPlus, "chrf++"},
      {ScoreMetric::kTer, "ter"}};
};

class ScoreFlags {
 public:
  /// Adds the flags to `app`, which parses into this object. `metrics`: the default.
  ScoreFlags(CLI::App& app, std::vector<ScoreMetric> metrics);
  ScoreFlags(const ScoreFlags&) = delete;
  ScoreFlags& operator=(const ScoreFlags&) = delete;

  /// In the order of --metric. Throws UsageError for invalid values.
  std::vector<std::unique_ptr<Metric>> metrics() const;
  /// The flags that were given.
  std::vector<std::string> given() const;
  /// Warnings, a sentence each: flags that no chosen metric uses, and hypotheses that look
  /// tokenized although BLEU tokenizes.
  std::vector<std::string> warnings(const std::vector<std::string>& hypotheses) const;
  bool skips_empty_references() const { return skip_empty_references_; }
  /// For single sentences: BLEU omits orders longer than the text.
  void score_sentences() { bleu_.effective_order = true; }

 private:
  enum Reader { kByBleu = 1, kByChrf = 2, kByTer = 4, kByAll = 7 };
  struct Flag {
    const CLI::Option* option;
    int readers;
  };
  template <class T>
  void add(CLI::App& app, const std::string& group, int readers, const std::string& name, T& field,
           const std::string& help);
  int readers() const;
  std::unique_ptr<Metric> make(ScoreMetric metric) const;

  std::vector<ScoreMetric> metrics_;
  bool lowercase_ = false, skip_empty_references_ = false, force_ = false;
  std::optional<int64_t> word_order_;  // nullopt: by the metric's name
  BleuOptions bleu_;
  ChrfOptions chrf_;
  TerOptions ter_;
  std::vector<Flag> flags_;
};

}  // namespace zoo
