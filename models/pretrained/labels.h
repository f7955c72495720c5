// Names of a classifier's classes, as config.json has them.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace zoo {

/// id2label by id, or the reference's names LABEL_0, LABEL_1 where there is none.
std::vector<std::string> labels_of(const nlohmann::json& config);
/// The reverse, id2label and label2id, into `config`.
void put_labels(const std::vector<std::string>& labels, nlohmann::json& config);
/// As many names as there are classes: those given, then LABEL_n.
std::vector<std::string> complete_labels(std::vector<std::string> labels, int64_t classes);

}  // namespace zoo
