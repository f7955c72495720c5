// Reading the files of translations, and formatting scores.
#pragma once
#include <string>
#include <vector>

#include "infer/scores/metric.h"

namespace zoo {

/// The lines without white space at their ends, like in sacrebleu. Throws std::runtime_error for a
/// file that is empty or not UTF-8.
std::vector<std::string> read_scored_lines(const std::string& path);

/// The references of `lines` hypotheses, which `of` names in messages; `skip_empty` as in
/// references_by_line. Throws std::runtime_error if a file has another number of lines, or a line
/// no reference.
References read_references(const std::vector<std::string>& paths, size_t lines,
                           const std::string& of, bool skip_empty);

/// "BLEU|nrefs:1|...|version:2.6.0+zoo = 41.1 66.7/50.0/... (BP = ...)"; `width`: digits after the
/// point.
std::string score_line(const Metric& metric, const Score& score, const std::string& signature,
                       int64_t width);

/// The same as a JSON object, with an entry for each part of the signature. `line`: from 1; 0 for a
/// whole text.
std::string score_json(const Metric& metric, const Score& score, const std::string& signature,
                       int64_t width, size_t line = 0);

}  // namespace zoo
