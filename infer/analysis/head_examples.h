// What a model's heads are judged by: its attention layers, and the loss of the input it was given.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "infer/analysis/head_importance.h"
#include "infer/analysis/looked_at.h"

namespace zoo {

struct HeadTask {
  std::vector<NamedAttention> layers = {};
  std::vector<ExampleLoss> examples = {};
  std::string loss = {};  ///< what is measured, in words
};

/// GPT: the next token of the text. BERT: each token of the text, masked alone; of a classifier the
/// labels that the whole model gives. Encoder-decoder: the target's tokens. Image classifier: the
/// class that the whole model says. `opened` outlives the result. Throws std::runtime_error with
/// one line for a model whose heads cannot be judged so.
HeadTask head_task(const OpenedInput& opened);

/// The mean loss of a text's next tokens, two tokens or more. `model` outlives the result.
ExampleLoss next_token_loss(GptImpl& model, const std::vector<int64_t>& ids);
/// The same of an encoder-decoder's target.
ExampleLoss target_loss(TransformerImpl& model, const std::vector<int64_t>& source,
                        const std::vector<int64_t>& target);

}  // namespace zoo
