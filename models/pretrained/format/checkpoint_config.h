// What config.json says of a model, whatever its family.
#pragma once
#include <string>
#include <vector>

#include "models/pretrained/format/special_ids.h"

namespace zoo {

/// `Layout`: an enum whose names are the family's values of "model_type".
template <class Options_, class Layout_>
struct CheckpointConfig {
  using Options = Options_;
  using Layout = Layout_;
  Options options = {};
  Layout layout = {};
  bool has_head = true;  ///< false for the reference's classes that stop at the hidden states
  SpecialIds ids = {};
  std::vector<std::string> labels = {};  ///< names of a classifier's classes, by id
};

}  // namespace zoo
