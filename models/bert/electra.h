// ELECTRA's pre-training pair: a small generator puts likely words where some were masked, and the
// discriminator says of every word whether it was put there. Clark et al. 2020 (arXiv:2003.10555),
// §2. Differs from the paper: nothing; as in the authors' code the shared embeddings include
// segments and norm.
#pragma once
#include <functional>

#include "models/bert/bert_task.h"

namespace zoo {

/// `share` of the discriminator's heads and feed-forward width (§3.2: 1/4 to 1/2), with heads and
/// embeddings as wide as its.
BertOptions electra_generator(const BertOptions& discriminator, double share);

class ElectraImpl : public torch::nn::Module {
 public:
  /// Two ELECTRAs with embeddings of one width, context and vocabulary.
  ElectraImpl(const BertOptions& discriminator, const BertOptions& generator);
  /// Calls `use` with a generator that owns its embeddings, as checkpoints have it. At other times
  /// the discriminator alone does, so that the pair's parameters come once each.
  void with_whole_generator(const std::function<void(BertTaskModel& generator)>& use);

  BertTaskModel discriminator{nullptr};  // task pre-training
  BertTaskModel generator{nullptr};      // task masked-lm
};
TORCH_MODULE(Electra);

}  // namespace zoo
