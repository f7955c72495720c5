#include "models/bert/electra.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace zoo {
namespace {

// Defined below: the generator's embeddings among its children, or not.
void enter_embeddings(BertImpl& bert);
void remove_embeddings(BertImpl& bert);

}  // namespace

BertOptions electra_generator(const BertOptions& discriminator, double share) {
  BertOptions o = resolved(discriminator);
  const auto part = [share](int64_t whole) {
    return std::max<int64_t>(1, std::llround(share * static_cast<double>(whole)));
  };
  const int64_t E = o.embedding_width > 0 ? o.embedding_width : o.d_model;
  const int64_t width_of_head = o.d_model / o.heads;
  o.heads = part(o.heads);
  o.pruned_heads.clear();
  o.kv_heads = std::gcd(o.heads, part(o.kv_heads));
  o.d_model = o.heads * width_of_head;
  if (o.heads == 1) o.head_dropout = o.head_diversity = 0.0;  // there is no other head
  o.feed_forward = part(o.feed_forward);
  o.embedding_width = E == o.d_model ? 0 : E;  // the family projects only where the widths differ
  return o;
}

ElectraImpl::ElectraImpl(const BertOptions& discriminator_options,
                         const BertOptions& generator_options) {
  discriminator = register_module("discriminator",
                                  BertTaskModel(BertTaskOptions{.bert = discriminator_options,
                                                                .task = BertTask::kPreTraining}));
  generator =
      register_module("generator", BertTaskModel(BertTaskOptions{.bert = generator_options}));
  auto &shared = *discriminator->bert, &bert = *generator->bert;
  TORCH_CHECK(shared.token_embedding->weight.sizes() == bert.token_embedding->weight.sizes() &&
                  shared.options.context == bert.options.context,
              "Electra: generator and discriminator must have embeddings of one size, got ",
              bert.token_embedding->weight.sizes(), " and ",
              shared.token_embedding->weight.sizes());
  remove_embeddings(bert);
  bert.token_embedding = shared.token_embedding;
  bert.position = shared.position;
  bert.segment_embedding = shared.segment_embedding;
  bert.embedding_norm = shared.embedding_norm;
}

namespace {

/// The generator with its embeddings, for the time of a call.
struct WholeGenerator {
  explicit WholeGenerator(BertImpl& owner) : bert(owner) { enter_embeddings(bert); }
  ~WholeGenerator() { remove_embeddings(bert); }
  WholeGenerator(const WholeGenerator&) = delete;
  WholeGenerator& operator=(const WholeGenerator&) = delete;
  BertImpl& bert;
};

}  // namespace

void ElectraImpl::with_whole_generator(const std::function<void(BertTaskModel&)>& use) {
  const WholeGenerator whole(*generator->bert);
  use(generator);
}

namespace {

void enter_embeddings(BertImpl& bert) {
  bert.register_module("token_embedding", bert.token_embedding);
  bert.register_module("position", bert.position);
  bert.register_module("segment_embedding", bert.segment_embedding);
  bert.register_module("embedding_norm", bert.embedding_norm);
}
void remove_embeddings(BertImpl& bert) {
  for (const char* name : {"token_embedding", "position", "segment_embedding", "embedding_norm"})
    bert.unregister_module(name);
}

}  // namespace
}  // namespace zoo
