// A checkpoint of any family, and an input as that model reads it: tokens with labels, or pixels.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "infer/analysis/attention_maps.h"
#include "infer/model_choice.h"
#include "tokenizers/tokenizer.h"

namespace CLI {
class App;
}

namespace zoo {

/// What a model looks at. Which of them it wants depends on its family.
struct LookedAt {
  std::optional<std::string> text = {}, pair = {};      ///< GPT, BERT (a pair: both), CLIP
  std::optional<std::string> source = {}, target = {};  ///< encoder-decoder
  std::filesystem::path image = {};                     ///< ViT, CCT, CLIP
};

/// Adds --text, --pair, --source, --target and --image.
void add_input_options(CLI::App& app, LookedAt& input);

/// The model in evaluation mode, and of the input what its family has.
struct OpenedInput {
  std::shared_ptr<torch::nn::Module> model = {};
  std::vector<std::string> labels = {};       ///< of a classifier, by class
  std::unique_ptr<Tokenizer> tokenizer = {};  ///< of an encoder-decoder the target's
  LabelledTokens text = {};
  LabelledTokens source = {}, target = {};  ///< the target begins with the start token
  torch::Tensor pixels = {};                ///< [1, channels, H, W]
  Image picture = {};                       ///< as the model saw it
  std::string heading = {};                 ///< the input in a line

  /// The model as one of this class; null for another.
  template <class Model>
  Model* as() const {
    return dynamic_cast<Model*>(model.get());
  }
};

struct OpenOptions {
  bool needs_head = false;      ///< refuse a checkpoint without output layer
  bool input_optional = false;  ///< no input is fine, too
};

/// Opens the folder, whatever its family. A source without target: the model translates it first,
/// greedily. Throws UsageError for flags that this family does not want, and std::runtime_error
/// with one line for an input that it cannot read.
OpenedInput open_input(const ModelChoice& choice, const LookedAt& input,
                       const OpenOptions& options = {});

/// A text as a GPT reads it. `flag` names it in messages.
LabelledTokens gpt_tokens(const GptImpl& model, const Tokenizer& tokenizer, const std::string& text,
                          const std::string& flag);

/// The attention of the model to the input. Throws std::runtime_error for a model without heads.
AttentionMaps attention_maps(const OpenedInput& opened);

}  // namespace zoo
