#include "infer/scores/score_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/text_file.h"
#include "infer/scores/score_text.h"
#include "tokenizers/text/utf8.h"

namespace zoo {

std::vector<std::string> read_scored_lines(const std::string& path) {
  std::vector<std::string> lines = read_lines(path);
  if (lines.empty()) throw std::runtime_error(path + ": the file has no line to score");
  for (size_t i = 0; i < lines.size(); ++i) {
    if (utf8::find_invalid(lines[i]) != std::string::npos) {
      throw std::runtime_error(
          fmt::format("{}:{}: the line is not UTF-8; convert the file first", path, i + 1));
    }
    lines[i] = to_utf8(without_trailing_space(to_code_points(lines[i])));
  }
  return lines;
}

References read_references(const std::vector<std::string>& paths, size_t lines,
                           const std::string& of, bool skip_empty) {
  std::vector<std::vector<std::string>> lists;
  for (const std::string& path : paths) {
    lists.push_back(read_scored_lines(path));
    if (lists.back().size() == lines) continue;
    throw std::runtime_error(fmt::format(
        "{} has {} lines, but {} has {}: line i of one file must belong to line i of the other",
        path, lists.back().size(), of, lines));
  }
  References references = references_by_line(lists, skip_empty);
  for (size_t i = 0; i < references.size(); ++i) {
    if (!references[i].empty()) continue;
    throw std::runtime_error(fmt::format(
        "line {} has no reference: it is empty in every file; leave the line out of all files, or "
        "do without --skip-empty-references",
        i + 1));
  }
  return references;
}

std::string score_line(const Metric& metric, const Score& score, const std::string& signature,
                       int64_t width) {
  return fmt::format("{}|{} = {:.{}f}{}{}", metric.name(), signature, score.value, width,
                     score.details.empty() ? "" : " ", score.details);
}

std::string score_json(const Metric& metric, const Score& score, const std::string& signature,
                       int64_t width, size_t line) {
  nlohmann::ordered_json object = {{"name", metric.name()},
                                   {"score", std::stod(fmt::format("{:.{}f}", score.value, width))},
                                   {"signature", signature}};
  if (line > 0) object["line"] = line;
  if (!score.details.empty()) object["verbose_score"] = score.details;
  for (size_t begin = 0; begin < signature.size();) {
    const size_t end = std::min(signature.find('|', begin), signature.size());
    const size_t colon = signature.find(':', begin);
    object[signature.substr(begin, colon - begin)] = signature.substr(colon + 1, end - colon - 1);
    begin = end + 1;
  }
  return object.dump();
}

}  // namespace zoo
