// Training examples as losses of a whole model, for gradient products.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "infer/analysis/labelled_states.h"
#include "infer/analysis/looked_at.h"

namespace zoo {

struct InfluenceExamples {
  std::vector<torch::Tensor> weights = {};                    ///< all of the model's
  std::function<torch::Tensor()> test = {};                   ///< loss of the input
  std::vector<std::function<torch::Tensor()>> training = {};  ///< of each example of the file
  std::vector<std::string> texts = {};                        ///< of each example
  std::string asked = {};                                     ///< what the test loss is, in words
};

/// GPT: each non-empty line is a text, the loss is the mean of its next tokens. BERT that
/// classifies texts: lines "label<TAB>text"; the loss is that of the label. `label`: of the input;
/// unset: what the model says. `opened` outlives the result. Throws std::runtime_error with one
/// line for other models and for files that cannot be read.
InfluenceExamples influence_examples(const OpenedInput& opened, const ExampleFile& file,
                                     const std::optional<std::string>& label);

}  // namespace zoo
