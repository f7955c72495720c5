#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model);
torch::Tensor add_positions(const torch::Tensor& x, const torch::Tensor& table,
                            const torch::Tensor& positions);
torch::Tensor shift_matrix(int64_t steps, int64_t d_model);
