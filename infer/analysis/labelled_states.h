// Files of labelled examples as each layer of a model sees them: what probes and heads on frozen
// features are fitted to.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "infer/analysis/layer_probe.h"
#include "infer/analysis/looked_at.h"
#include "models/layers/token_pooling.h"

namespace zoo {

struct ExampleFile {
  std::filesystem::path model = {};  ///< folder of the checkpoint: its tokenizer, its image steps
  std::filesystem::path data = {};
  bool words = false;  ///< a tag for each word (CoNLL) instead of a label for each text
  TokenPooling pool = TokenPooling::kMean;  ///< makes one vector of a text's or image's tokens
};

struct LabelledStates {
  ProbeExamples examples = {};           ///< features: the embeddings, then each layer's output
  std::vector<std::string> stages = {};  ///< "embedding", "layer 0", ...: what the features are
  std::vector<std::string> texts = {};   ///< of each example: its text or word, or "image 3"
};

/// GPT and BERT: lines "label<TAB>text" (or two texts, BERT), or with `words` lines "word tag" and
/// empty lines between sentences, as train_bert reads them; a word is read at its first piece, in a
/// GPT, which reads from the left, at its last. ViT and CCT: what train_vit reads, for example a
/// folder of class folders. Texts beyond the context are cut. Throws std::runtime_error with one
/// line for another family, and for a file that cannot be read.
LabelledStates read_labelled_states(const OpenedInput& opened, const ExampleFile& file);

/// The same vectors of one text (or pair): a layer each, [1, C] double.
std::vector<torch::Tensor> states_of_text(const OpenedInput& opened, const ExampleFile& file,
                                          const std::string& text,
                                          const std::optional<std::string>& pair = {});

}  // namespace zoo
