// id2label and label2id, num_labels, problem_type.
#include "models/pretrained/format/labels.h"

#include "models/pretrained/format/config_json.h"

namespace zoo {

using nlohmann::json;

namespace {

std::vector<std::string> numbered_labels(int64_t classes) { return complete_labels({}, classes); }

/// A name, or a number that stands for one.
std::string label_text(const json& label) {
  return label.is_number_integer() ? label.dump() : json_value<std::string>(label, "id2label");
}

}  // namespace

std::vector<std::string> labels_of(const json& config) {
  const int64_t K = config_count(config, "num_labels", 2);
  if (K > 1'000'000) config_fail("\"num_labels\" must be at most 1000000, got {}", K);
  const auto found = config.find("id2label");
  if (found == config.end() || found->is_null()) return numbered_labels(K);
  if (!found->is_object() || found->empty())
    config_fail("\"id2label\" must be an object with labels");
  // Where the two differ in their number, the names are not these classes' names.
  if (const int64_t named = std::ssize(*found); config_count(config, "num_labels", named) != named)
    return numbered_labels(K);
  std::vector<std::string> labels;
  for (size_t id = 0; id < found->size(); ++id) {
    const auto label = found->find(std::to_string(id));
    if (label == found->end())
      config_fail("\"id2label\" has {} labels but no id {}", found->size(), id);
    labels.push_back(label_text(*label));
  }
  return labels;
}

ScoreFunction score_function_of(const json& config, int64_t classes) {
  const auto type = config_value<std::string>(config, "problem_type", "");
  if (type == "single_label_classification" && classes == 1) {
    config_fail(
        "\"problem_type\" is single_label_classification, but there is one label; the reference "
        "needs two, or the type regression");
  }
  if (type == "regression") return ScoreFunction::kNone;
  const bool alone = type == "multi_label_classification" || classes == 1;
  return alone ? ScoreFunction::kSigmoid : ScoreFunction::kSoftmax;
}

ScoreFunction read_score_function(const std::filesystem::path& folder, int64_t classes) {
  ScoreFunction function{};
  read_config(folder, [&](const json& config) { function = score_function_of(config, classes); });
  return function;
}

torch::Tensor scores_of(const torch::Tensor& logits, ScoreFunction function) {
  switch (function) {
    case ScoreFunction::kSoftmax:
      return logits.softmax(-1);
    case ScoreFunction::kSigmoid:
      return logits.sigmoid();
    case ScoreFunction::kNone:
      break;
  }
  return logits;
}

void put_labels(const std::vector<std::string>& labels, json& config) {
  for (size_t id = 0; id < labels.size(); ++id) {
    config["id2label"][std::to_string(id)] = labels[id];
    config["label2id"][labels[id]] = id;
  }
}

std::vector<std::string> complete_labels(std::vector<std::string> labels, int64_t classes) {
  for (int64_t id = std::ssize(labels); id < classes; ++id)
    labels.push_back(fmt::format("LABEL_{}", id));
  return labels;
}

}  // namespace zoo
