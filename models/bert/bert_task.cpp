// Which head a task needs, and what it reads.
#include "models/bert/bert_task.h"

#include <c10/util/Exception.h>

#include "models/layers/token_selection.h"

namespace zoo {
namespace {

bool is_electra(const BertOptions& o) { return o.family == BertFamily::kElectra; }
/// What stands between a text's first token and its classes where the family does without the
/// pooler of pre-training; kNone: it has the pooler there.
InnerLayer text_layer_of(BertFamily family) {
  switch (family) {
    case BertFamily::kRoberta:
      return InnerLayer::kTanh;
    case BertFamily::kElectra:
      return InnerLayer::kGelu;
    case BertFamily::kDistilBert:
      return InnerLayer::kRelu;
    case BertFamily::kBert:
    case BertFamily::kAlbert:
      break;
  }
  return InnerLayer::kNone;
}
bool classifies_without_pooler(const BertOptions& o) {
  return text_layer_of(o.family) != InnerLayer::kNone;
}

BertTaskOptions resolved(BertTaskOptions o) {
  o.bert = zoo::resolved(o.bert);
  if (o.task != BertTask::kNone) o.bert.pooler = needs_pooler(o);
  return o;
}

MaskedLmHeadOptions masked_lm_options(const BertTaskOptions& options) {
  const BertOptions& o = options.bert;
  // RoBERTa and ELECTRA have GELU here whatever the feed-forward network has.
  const bool follows = !is_electra(o) && o.family != BertFamily::kRoberta;
  return {.d_model = o.d_model,
          .embedding_width = o.embedding_width > 0 ? o.embedding_width : o.d_model,
          .vocab_size = o.vocab_size,
          .activation = follows ? o.activation : Activation::kGelu,
          .norm = norm_options(o),
          .tied = options.tie_embeddings};
}

InnerLayer inner_layer(const BertTaskOptions& o) {
  return o.task == BertTask::kClassifyText ? text_layer_of(o.bert.family) : InnerLayer::kNone;
}

}  // namespace

bool needs_pooler(const BertTaskOptions& o) {
  switch (o.task) {
    case BertTask::kPreTraining:
      return !is_electra(o.bert);
    case BertTask::kNextSentence:
      return true;
    case BertTask::kClassifyText:
      return !classifies_without_pooler(o.bert);
    default:
      return false;
  }
}

bool has_task(BertFamily family, BertTask task) {
  if (task == BertTask::kNextSentence) return family == BertFamily::kBert;
  if (task == BertTask::kPreTraining)
    return family != BertFamily::kRoberta && family != BertFamily::kDistilBert;
  return true;
}

BertTaskModelImpl::BertTaskModelImpl(const BertTaskOptions& options_)
    : options(resolved(options_)) {
  const BertOptions& o = options.bert;
  const BertTask task = options.task;
  TORCH_CHECK(has_task(o.family, task), "BertTaskModel: family ", name_of(o.family),
              " has no head for task ", name_of(task));
  const double dropout = options.classifier_dropout.value_or(o.dropout);
  const bool pre_trains = task == BertTask::kPreTraining;
  bert = register_module("bert", Bert(o));
  if (task == BertTask::kMaskedLm || (pre_trains && !is_electra(o)))
    masked_lm = register_module("masked_lm", MaskedLmHead(masked_lm_options(options)));
  if (task == BertTask::kNextSentence || (pre_trains && !is_electra(o))) {
    const bool drops = o.family == BertFamily::kAlbert;
    pair = register_module("pair", Classifier(ClassifierOptions{.d_model = o.d_model,
                                                                .dropout = drops ? dropout : 0.0}));
  }
  if (pre_trains && is_electra(o)) {
    replaced = register_module(
        "replaced", Classifier(ClassifierOptions{
                        .d_model = o.d_model, .labels = 1, .inner = inner_of(o.activation)}));
  }
  if (task == BertTask::kClassifyText || task == BertTask::kClassifyTokens) {
    classifier =
        register_module("classifier", Classifier(ClassifierOptions{.d_model = o.d_model,
                                                                   .labels = options.labels,
                                                                   .inner = inner_layer(options),
                                                                   .dropout = dropout}));
  }
  initialise_bert(*this, o.init_std);
}

torch::Tensor BertTaskModelImpl::masked_lm_logits(const torch::Tensor& hidden,
                                                  const torch::Tensor& indices) {
  TORCH_CHECK(masked_lm, "BertTaskModel: task ", name_of(options.task), " has no masked-LM head");
  const auto h =
      indices.defined() ? select_tokens(hidden, indices) : hidden;  // [N, C] or [B, T, C]
  return masked_lm->forward(h, bert->token_embedding->weight);
}

torch::Tensor BertTaskModelImpl::pair_logits(const torch::Tensor& hidden) {
  TORCH_CHECK(pair, "BertTaskModel: task ", name_of(options.task), " has no sentence-pair head");
  return pair(bert->pool(hidden));  // [B, 2]
}

torch::Tensor BertTaskModelImpl::class_logits(const torch::Tensor& hidden) {
  TORCH_CHECK(classifier, "BertTaskModel: task ", name_of(options.task), " has no classifier");
  if (options.task == BertTask::kClassifyTokens) return classifier(hidden);    // [B, T, K]
  return classifier(bert->pooler ? bert->pool(hidden) : hidden.select(1, 0));  // [B, K]
}

torch::Tensor BertTaskModelImpl::replaced_logits(const torch::Tensor& hidden) {
  TORCH_CHECK(replaced, "BertTaskModel: task ", name_of(options.task),
              " has no replaced-token head");
  return replaced(hidden).squeeze(-1);  // [B, T]
}

}  // namespace zoo
