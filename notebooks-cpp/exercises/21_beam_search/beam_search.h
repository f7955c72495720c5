#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// A model: texts [n, t] int64 -> log-probabilities [n, V] of the token that follows each of them.
using NextToken = std::function<torch::Tensor(const torch::Tensor& texts)>;

double length_normalised(double sum, int64_t length, double length_penalty);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> best_candidates(const torch::Tensor& sums,
                                                                        int64_t count);
std::tuple<std::vector<int64_t>, double> beam_search(const NextToken& next_token, int64_t start,
                                                     int64_t end, int64_t num_beams,
                                                     int64_t max_new_tokens, double length_penalty);
