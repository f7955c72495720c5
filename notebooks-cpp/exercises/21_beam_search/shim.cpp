#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/21_beam_search/beam_search.h"
#include "notebooks-cpp/exercises/21_beam_search/table_model.h"

namespace {

std::tuple<std::vector<int64_t>, double> beam_search_in(const torch::Tensor& table, int64_t start,
                                                        int64_t end, int64_t num_beams,
                                                        int64_t max_new_tokens,
                                                        double length_penalty, double memory) {
  const NextToken next_token = [&](const torch::Tensor& texts) {
    if (texts.dim() != 2 || texts.scalar_type() != torch::kLong || texts.numel() == 0)
      throw std::invalid_argument("next_token reads texts [n, t] int64, n and t at least 1");
    return table_model(table, memory, texts);
  };
  return beam_search(next_token, start, end, num_beams, max_new_tokens, length_penalty);
}

}  // namespace

EXERCISE_SHIM(EXERCISE_FUNCTION(length_normalised), EXERCISE_FUNCTION(best_candidates),
              EXERCISE_FUNCTION(beam_search_in))
