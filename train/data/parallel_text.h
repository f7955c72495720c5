// Sentences and their translations: reads, cleans and encodes them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/stages/post_template.h"
#include "tokenizers/tokenizer.h"
#include "train/data/pair_batch.h"

namespace zoo {

/// Line i of both sides belongs together.
struct ParallelText {
  std::vector<std::string> sources, targets;
  int64_t size() const { return std::ssize(sources); }
};

/// The files of a parallel text: `data` itself if it is a .tsv (source, tab, target), else
/// `data`.SOURCE and `data`.TARGET ("data/en-fr/train" with "en" and "fr"). Throws
/// std::runtime_error if one is missing.
std::vector<std::filesystem::path> parallel_files(const std::string& data, std::string_view source,
                                                  std::string_view target);

/// Lines end at "
/// " or "\r
/// "; further columns of a TSV are ignored. Throws std::runtime_error that names file and line:
/// sides of different length, no tab, invalid UTF-8, an empty file.
ParallelText read_parallel_text(const std::string& data, std::string_view source,
                                std::string_view target);

struct CleaningOptions {
  int64_t longest = 0;      ///< tokens of a text, those around it included; 0: no limit
  double max_ratio = 0.0;   ///< longer side over shorter, where they differ by more than 10; 0: any
  bool duplicates = false;  ///< whether a pair may come twice
};

/// Counts of the pairs kept and dropped.
struct CleaningReport {
  int64_t kept = 0, empty = 0, duplicate = 0, too_long = 0, unequal = 0;
  /// "64113 pairs; dropped 12 empty, 3 twice, 5 longer than 100 tokens, 7 of unequal length"
  std::string text(const CleaningOptions& options) const;
};

/// The tokenizers of both sides; `around` holds the special tokens around a source.
struct PairTokenizers {
  const Tokenizer &source, &target;
  PostTemplate around;
};

/// Ids of the pairs that pass the cleaning, in order.
SequencePairs encode_pairs(const ParallelText& text, const PairTokenizers& tokenizers,
                           const CleaningOptions& options, CleaningReport& report);

}  // namespace zoo
