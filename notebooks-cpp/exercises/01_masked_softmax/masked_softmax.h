#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor softmax(const torch::Tensor& scores);
torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& may_see);
