// id2label and label2id.
#include "models/pretrained/labels.h"

#include "models/pretrained/config_json.h"

namespace zoo {

using nlohmann::json;

std::vector<std::string> labels_of(const json& config) {
  const auto found = config.find("id2label");
  if (found == config.end() || found->is_null()) {
    std::vector<std::string> labels;
    const int64_t K = config_count(config, "num_labels", 2);
    if (K > 1'000'000) config_fail("\"num_labels\" must be at most 1000000, got {}", K);
    for (int64_t id = 0; id < K; ++id) labels.push_back(fmt::format("LABEL_{}", id));
    return labels;
  }
  if (!found->is_object() || found->empty())
    config_fail("\"id2label\" must be an object with labels");
  std::vector<std::string> labels;
  for (size_t id = 0; id < found->size(); ++id) {
    const auto label = found->find(std::to_string(id));
    if (label == found->end())
      config_fail("\"id2label\" has {} labels but no id {}", found->size(), id);
    labels.push_back(json_value<std::string>(*label, "id2label"));
  }
  return labels;
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
