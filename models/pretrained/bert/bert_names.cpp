// One table a family: encoder, heads, what is tied, what older files hold.
#include "models/pretrained/bert/bert_names.h"

#include "models/pretrained/bert/bert_config.h"

namespace zoo {
namespace {

using Names = std::vector<std::string>;

class BertNames {
 public:
  BertNames(const BertTaskOptions& options, HeadsOnDisk heads)
      : task_(options.task),
        tied_(options.tie_embeddings),
        family_(options.bert.family),
        heads_(heads),
        heads_optional_(heads != HeadsOnDisk::kRequired) {
    map_.family = name_of(family_);
    map_.prefix = map_.family + ".";
    map_.writes_prefix = task_ != BertTask::kNone;
    map_.old_ends = {{"LayerNorm.gamma", "LayerNorm.weight"}, {"LayerNorm.beta", "LayerNorm.bias"}};
    map_.ignored = {root() + "embeddings.position_ids", root() + "embeddings.token_type_ids"};
    map_.other_heads = {"classifier.",
                        "qa_outputs.",
                        "cls.",
                        "lm_head.",
                        "predictions.",
                        "sop_classifier.",
                        "generator_predictions.",
                        "generator_lm_head.",
                        "discriminator_predictions.",
                        "sequence_summary."};
  }

  NameMap make() {
    add_embeddings();
    if (family_ == BertFamily::kAlbert) {
      add_albert_blocks();
    } else {
      add_blocks();
    }
    add_pooler();
    add_masked_lm();
    add_pair_and_replaced();
    add_classifier();
    return map_;
  }

 private:
  /// The encoder's names begin with the family's where heads stand beside it.
  std::string root() const { return map_.prefix; }

  void add_row(const std::string& ours, const Names& theirs, bool optional) {
    map_.rows.push_back({.ours = ours, .theirs = theirs, .optional = optional});
  }
  void add(const std::string& ours, const Names& theirs, bool optional = false) {
    add_layer(map_, {.ours = ours, .theirs = theirs, .optional = optional});
  }
  /// A head of pre-training: used by some tasks, passed over by the others.
  void add_head(bool used, const std::string& ours, const std::string& theirs) {
    if (used) add(ours, {theirs}, heads_optional_);
  }

  void add_embeddings() {
    const std::string at = root() + "embeddings.";
    add_row("bert.token_embedding.weight", {at + "word_embeddings.weight"}, false);
    add_row("bert.position.table.weight", {at + "position_embeddings.weight"}, false);
    add_row("bert.segment_embedding.weight", {at + "token_type_embeddings.weight"}, false);
    add("bert.embedding_norm", {at + "LayerNorm"});
    add("bert.embedding_proj",
        {root() + (family_ == BertFamily::kAlbert ? "encoder.embedding_hidden_mapping_in"
                                                  : "embeddings_project")});
  }

  void add_blocks() {
    const std::string layer = root() + "encoder.layer.{}.", self = layer + "attention.self.";
    add("bert.blocks.{}.attention.in_proj", {self + "query", self + "key", self + "value"});
    add("bert.blocks.{}.attention.out_proj", {layer + "attention.output.dense"});
    add("bert.blocks.{}.attention_norm", {layer + "attention.output.LayerNorm"});
    add("bert.blocks.{}.feed_forward.in_proj", {layer + "intermediate.dense"});
    add("bert.blocks.{}.feed_forward.out_proj", {layer + "output.dense"});
    add("bert.blocks.{}.feed_forward_norm", {layer + "output.LayerNorm"});
  }

  void add_albert_blocks() {
    const std::string layer = root() + "encoder.albert_layer_groups.{}.albert_layers.0.";
    const std::string self = layer + "attention.";
    add("bert.blocks.{}.attention.in_proj", {self + "query", self + "key", self + "value"});
    add("bert.blocks.{}.attention.out_proj", {self + "dense"});
    add("bert.blocks.{}.attention_norm", {self + "LayerNorm"});
    add("bert.blocks.{}.feed_forward.in_proj", {layer + "ffn"});
    add("bert.blocks.{}.feed_forward.out_proj", {layer + "ffn_output"});
    add("bert.blocks.{}.feed_forward_norm", {layer + "full_layer_layer_norm"});
  }

  void add_pooler() {
    const std::string theirs = family_ == BertFamily::kAlbert ? "pooler" : "pooler.dense";
    add("bert.pooler", {root() + theirs}, heads_optional_);
    ignore_layer(map_, root() + theirs);  // where the task has none
  }

  void add_masked_lm() {
    const bool used = task_ == BertTask::kMaskedLm ||
                      (task_ == BertTask::kPreTraining && family_ != BertFamily::kElectra);
    std::string head = "cls.predictions.", dense = head + "transform.dense",
                norm = head + "transform.LayerNorm";
    std::string bias = head + "bias", decoder = head + "decoder.";
    if (family_ == BertFamily::kRoberta) {
      dense = "lm_head.dense", norm = "lm_head.layer_norm";
      bias = "lm_head.bias", decoder = "lm_head.decoder.";
    } else if (family_ == BertFamily::kAlbert) {
      dense = "predictions.dense", norm = "predictions.LayerNorm";
      bias = "predictions.bias", decoder = "predictions.decoder.";
    } else if (family_ == BertFamily::kElectra) {
      dense = "generator_predictions.dense", norm = "generator_predictions.LayerNorm";
      bias = "generator_lm_head.bias", decoder = "generator_lm_head.";
    }
    add_head(used, "masked_lm.dense", dense);
    add_head(used, "masked_lm.norm", norm);
    if (!used) return;
    if (!tied_) {  // the bias is that of the output layer, and the other one idle
      add_row("masked_lm.bias", {decoder + "bias"}, heads_optional_);
      add_row("masked_lm.decoder", {decoder + "weight"}, heads_optional_);
      map_.ignored.push_back(bias);
      return;
    }
    add_row("masked_lm.bias", {bias}, heads_optional_);
    map_.copies[decoder + "weight"] = root() + "embeddings.word_embeddings.weight";
    if (decoder + "bias" != bias) map_.copies[decoder + "bias"] = bias;
  }

  void add_pair_and_replaced() {
    const bool pre_trains = task_ == BertTask::kPreTraining;
    if (family_ == BertFamily::kBert) {
      const bool used = pre_trains || task_ == BertTask::kNextSentence;
      add_head(used, "pair.out_proj", "cls.seq_relationship");
    } else if (family_ == BertFamily::kAlbert) {
      add_head(pre_trains, "pair.out_proj", "sop_classifier.classifier");
    } else if (family_ == BertFamily::kElectra) {
      add_head(pre_trains, "replaced.dense", "discriminator_predictions.dense");
      add_head(pre_trains, "replaced.out_proj", "discriminator_predictions.dense_prediction");
    }
  }

  void add_classifier() {
    const bool two_layers = task_ == BertTask::kClassifyText &&
                            (family_ == BertFamily::kRoberta || family_ == BertFamily::kElectra);
    // The name that no file has lets ours keep its values.
    const std::string head =
        heads_ == HeadsOnDisk::kButClassifier ? "(new) classifier" : "classifier";
    add("classifier.dense", {head + ".dense"}, heads_optional_);
    add("classifier.out_proj", {two_layers ? head + ".out_proj" : head}, heads_optional_);
  }

  NameMap map_{.family = {}, .rows = {}};
  BertTask task_;
  bool tied_;
  BertFamily family_;
  HeadsOnDisk heads_;
  bool heads_optional_;
};

/// Our own names on disk, with the rules about heads of the family's map.
NameMap zoo_names(const NameMap& family, const BertOptions& o) {
  NameMap map{.family = std::string(kZooBert), .rows = {}};
  for (NameRow row : family.rows) {
    const bool is_new = row.theirs.front().starts_with("(new)");
    row.theirs = {(is_new ? "(new) " : "") + row.ours};
    map.rows.push_back(row);
  }
  // What no layout of the reference has.
  const std::string block = "bert.blocks.{}.";
  for (const std::string& ours : {block + "attention_scale", block + "feed_forward_scale",
                                  std::string("bert.position.relative_bias.weight")})
    add_parameter(map, ours, ours);
  for (const std::string& ours :
       {block + "attention.q_norm", block + "attention.k_norm", block + "attention_out_norm",
        block + "feed_forward_out_norm", std::string("bert.final_norm")})
    add_layer(map, {.ours = ours, .theirs = {ours}});
  const std::string experts = block + "experts.";
  add_parameter(map, experts + "router.weight", experts + "router.weight");
  for (const auto* const part : {".in_proj", ".out_proj"}) {
    add_layer(map, {.ours = experts + "shared" + part, .theirs = {experts + "shared" + part}});
    for (int64_t n = 0; n < o.experts; ++n) {
      const std::string expert = experts + "experts." + std::to_string(n) + part;
      add_layer(map, {.ours = expert, .theirs = {expert}});
    }
  }
  map.ignored = {"bert.pooler.weight", "bert.pooler.bias"};
  map.other_heads = {"masked_lm.", "pair.", "classifier.", "replaced."};
  return map;
}

}  // namespace

NameMap bert_name_map(const BertTaskOptions& options, HeadsOnDisk heads) {
  const NameMap map = BertNames(options, heads).make();
  return unlike_reference(options.bert).empty() ? map : zoo_names(map, options.bert);
}

}  // namespace zoo
