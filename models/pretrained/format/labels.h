// Names of a classifier's classes, and what its scores are, as config.json has them.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace zoo {

/// id2label by id, or the reference's names LABEL_0, LABEL_1 where there is none, or where
/// num_labels says another number.
std::vector<std::string> labels_of(const nlohmann::json& config);
/// The reverse, id2label and label2id, into `config`.
void put_labels(const std::vector<std::string>& labels, nlohmann::json& config);
/// As many names as there are classes: those given, then LABEL_n.
std::vector<std::string> complete_labels(std::vector<std::string> labels, int64_t classes);

/// What the reference's pipelines make of logits.
enum class ScoreFunction {
  kSoftmax,  ///< one of several classes
  kSigmoid,  ///< each class for itself (problem_type multi_label_classification), or one alone
  kNone,     ///< the logits are the answer (problem_type regression)
};
ScoreFunction score_function_of(const nlohmann::json& config, int64_t classes);
/// The same from config.json of a folder; messages begin with its path.
ScoreFunction read_score_function(const std::filesystem::path& folder, int64_t classes);
/// logits [..., K] -> [..., K]
torch::Tensor scores_of(const torch::Tensor& logits, ScoreFunction function);

}  // namespace zoo
