// Another way: plain structs and std::sort; finished texts are collected and compared at the end.
#include "notebooks-cpp/exercises/21_beam_search/beam_search.h"

namespace {
struct Beam {
  std::vector<int64_t> text;
  double sum;
};
}  // namespace

double length_normalised(double sum, int64_t length, double length_penalty) {
  return sum * std::exp(-length_penalty * std::log(static_cast<double>(length)));
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> best_candidates(const torch::Tensor& sums,
                                                                        int64_t count) {
  const auto order = sums.flatten().argsort(-1, /*descending=*/true).slice(0, 0, count);
  const auto beams = torch::div(order, sums.size(1), "floor");
  const auto tokens = order - beams * sums.size(1);
  return {beams, tokens, sums.index({beams, tokens})};
}

std::tuple<std::vector<int64_t>, double> beam_search(const NextToken& next_token, int64_t start,
                                                     int64_t end, int64_t num_beams,
                                                     int64_t max_new_tokens,
                                                     double length_penalty) {
  std::vector<Beam> open{{{start}, 0.0}}, finished;
  while (!open.empty()) {
    std::vector<Beam> all;
    for (const auto& beam : open) {
      const auto log_p = next_token(torch::tensor(beam.text, torch::kLong).unsqueeze(0))[0];
      for (int64_t v = 0; v < log_p.size(0); ++v) {
        all.push_back({beam.text, beam.sum + log_p[v].item<double>()});
        all.back().text.push_back(v);
      }
    }
    std::sort(all.begin(), all.end(), [](const Beam& a, const Beam& b) { return a.sum > b.sum; });
    if (static_cast<int64_t>(all.size()) > num_beams) all.resize(static_cast<size_t>(num_beams));
    open.clear();
    for (const auto& beam : all) {
      const bool over =
          beam.text.back() == end || static_cast<int64_t>(beam.text.size()) > max_new_tokens;
      (over ? finished : open).push_back(beam);
    }
  }
  const auto score = [&](const Beam& beam) {
    return length_normalised(beam.sum, static_cast<int64_t>(beam.text.size()) - 1, length_penalty);
  };
  const auto best =
      std::max_element(finished.begin(), finished.end(),
                       [&](const auto& a, const auto& b) { return score(a) < score(b); });
  return {std::vector<int64_t>(best->text.begin() + 1, best->text.end()), score(*best)};
}
