#include "train/data/parallel_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <stdexcept>

#include "base/interrupt.h"
#include "tokenizers/batch.h"
#include "train/data/text_lines.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

ParallelText read_tsv(const fs::path& file) {
  ParallelText text;
  for (auto& line : read_text_lines(file)) {
    const size_t tab = line.find('\t');
    if (line.empty()) {  // a pair of nothing: line numbers stay what they are
      text.sources.emplace_back();
      text.targets.emplace_back();
      continue;
    }
    if (tab == std::string::npos) {
      fail_at_line(file, text.sources.size() + 1,
                   "no tab; expected a source, a tab and its translation");
    }
    const size_t end = line.find('\t', tab + 1);
    text.sources.push_back(line.substr(0, tab));
    text.targets.push_back(line.substr(tab + 1, end == std::string::npos ? end : end - tab - 1));
  }
  return text;
}

bool is_unequal(int64_t a, int64_t b, double max_ratio) {
  const auto [shorter, longer] = std::minmax(a, b);
  if (max_ratio == 0.0 || longer - shorter <= 10) return false;
  return static_cast<double>(longer) > max_ratio * static_cast<double>(shorter);
}

/// The pairs that have text on both sides, and what is dropped twice.
std::vector<size_t> worth_encoding(const ParallelText& text, const CleaningOptions& options,
                                   CleaningReport& report) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::vector<size_t> kept;
  for (size_t i = 0; i < text.sources.size(); ++i) {
    if (is_blank(text.sources[i]) || is_blank(text.targets[i])) {
      ++report.empty;
    } else if (!options.duplicates && !seen.emplace(text.sources[i], text.targets[i]).second) {
      ++report.duplicate;
    } else {
      kept.push_back(i);
    }
  }
  return kept;
}

/// Ids of the texts at `indices`, on several threads.
std::vector<std::vector<int32_t>> ids_of(const std::vector<std::string>& texts,
                                         const std::vector<size_t>& indices,
                                         const Tokenizer& tokenizer) {
  constexpr size_t kAtOnce = 10'000;
  std::vector<std::vector<int32_t>> ids;
  for (size_t begin = 0; begin < indices.size(); begin += kAtOnce) {
    stop_if_interrupted("encoding the pairs");
    std::vector<std::string_view> views;
    for (size_t i = begin; i < std::min(begin + kAtOnce, indices.size()); ++i)
      views.push_back(texts[indices[i]]);
    std::ranges::move(encode_all(tokenizer, views, /*threads=*/4), std::back_inserter(ids));
  }
  return ids;
}

}  // namespace

std::vector<fs::path> parallel_files(const std::string& data, std::string_view source,
                                     std::string_view target) {
  std::vector<fs::path> files = {data};
  if (fs::path(data).extension() != ".tsv")
    files = {fmt::format("{}.{}", data, source), fmt::format("{}.{}", data, target)};
  for (const auto& file : files) {
    if (fs::is_regular_file(file)) continue;
    throw std::runtime_error(fmt::format(
        "no file '{}'; name a .tsv, or the beginning of two files that end in .{} and .{}, with "
        "--data, or run scripts/get_data.sh",
        file.string(), source, target));
  }
  return files;
}

ParallelText read_parallel_text(const std::string& data, std::string_view source,
                                std::string_view target) {
  const auto files = parallel_files(data, source, target);
  if (files.size() == 1) return read_tsv(files[0]);
  ParallelText text{read_text_lines(files[0]), read_text_lines(files[1])};
  if (text.sources.size() != text.targets.size()) {
    throw std::runtime_error(fmt::format(
        "{} has {} lines, {} has {}: line i of one must be the translation of line i of the other",
        files[0].string(), text.sources.size(), files[1].string(), text.targets.size()));
  }
  return text;
}

std::string CleaningReport::text(const CleaningOptions& options) const {
  std::string text = fmt::format("{} pairs", kept), dropped;
  const auto add = [&](int64_t count, const std::string& why) {
    if (count > 0) dropped += fmt::format("{}{} {}", dropped.empty() ? "" : ", ", count, why);
  };
  add(empty, "empty");
  add(duplicate, "twice");
  add(too_long, fmt::format("longer than {} tokens", options.longest));
  add(unequal, "of unequal length");
  return dropped.empty() ? text : text + "; dropped " + dropped;
}

SequencePairs encode_pairs(const ParallelText& text, const PairTokenizers& tokenizers,
                           const CleaningOptions& options, CleaningReport& report) {
  const auto indices = worth_encoding(text, options, report);
  auto sources = ids_of(text.sources, indices, tokenizers.source);
  const auto targets = ids_of(text.targets, indices, tokenizers.target);
  const auto around = static_cast<int64_t>(tokenizers.around.added(false));
  SequencePairs pairs;
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t S = std::ssize(sources[i]) + around, T = std::ssize(targets[i]) + 1;  // eos
    if (sources[i].empty() || T == 1) {
      ++report.empty;
    } else if (options.longest > 0 && std::max(S, T) > options.longest) {
      ++report.too_long;
    } else if (is_unequal(S, T, options.max_ratio)) {
      ++report.unequal;
    } else {
      pairs.sources.append(tokenizers.around.apply({.ids = std::move(sources[i])}).ids);
      pairs.targets.append(targets[i]);
      ++report.kept;
    }
  }
  return pairs;
}

}  // namespace zoo
