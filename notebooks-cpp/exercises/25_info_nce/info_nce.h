#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor pair_logits(const torch::Tensor& images, const torch::Tensor& texts,
                          double temperature);
torch::Tensor info_nce_loss(const torch::Tensor& logits);
