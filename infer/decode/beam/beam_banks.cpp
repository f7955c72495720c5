#include "infer/decode/beam/beam_banks.h"

#include <algorithm>
#include <functional>

#include "infer/decode/beam/forced_words.h"

namespace zoo {

std::vector<Candidate> candidates_with_words(std::span<const Beam> beams,
                                             std::span<const ForcedWord> words,
                                             const torch::Tensor& sums,
                                             const torch::Tensor& log_probs, int64_t count) {
  std::vector<std::vector<int64_t>> towards;
  for (const Beam& beam : beams) towards.push_back(tokens_towards(words, beam.text.generated()));
  auto all = best_candidates_of_rows(sums, log_probs, count, towards);
  for (Candidate& candidate : all) {
    const auto before = beams[static_cast<size_t>(candidate.beam)].text.generated();
    std::vector<int64_t> text(before.begin(), before.end());
    text.push_back(candidate.token);
    candidate.missing = missing_tokens(words, text);
  }
  const RowTokens& one = beams.front().text;
  const int64_t left = one.longest - std::ssize(one.generated()) - 1;
  std::erase_if(all, [&](const Candidate& c) { return c.missing > left; });
  return all;
}

std::vector<int64_t> allocate_beams(std::span<const int64_t> available, int64_t width) {
  const int64_t banks = std::ssize(available);
  std::vector<int64_t> beams(available.size(), width / banks);
  beams.back() += width % banks;
  int64_t spare = 0;
  for (size_t b = 0; b < beams.size(); ++b) spare += std::max<int64_t>(0, beams[b] - available[b]);
  for (size_t b = beams.size(); b-- > 0;) {
    const int64_t more = std::clamp<int64_t>(available[b] - beams[b], 0, spare);
    beams[b] += more;
    spare -= more;
  }
  return beams;
}

Selection select_by_bank(std::span<const Candidate> best_first, int64_t width,
                         int64_t missing_at_start) {
  std::vector<std::vector<Candidate>> banks(static_cast<size_t>(missing_at_start) + 1);
  std::vector<int64_t> open(banks.size());
  for (const Candidate& candidate : best_first) {
    const auto bank = static_cast<size_t>(missing_at_start - candidate.missing);
    banks[bank].push_back(candidate);
    open[bank] += uses_beam(candidate) ? 1 : 0;
  }
  const auto beams = allocate_beams(open, width);
  Selection all;
  for (size_t b = 0; b < banks.size(); ++b) {
    const auto selection = select_best(banks[b], beams[b]);
    all.open.insert(all.open.end(), selection.open.begin(), selection.open.end());
    all.ended.insert(all.ended.end(), selection.ended.begin(), selection.ended.end());
  }
  std::ranges::stable_sort(all.open, std::greater<>(), &Candidate::sum);
  return all;
}

}  // namespace zoo
