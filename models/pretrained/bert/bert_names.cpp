// One table a family: encoder, heads, what is tied, what older files hold.
#include "models/pretrained/bert/bert_names.h"

#include "models/pretrained/bert/bert_config.h"

namespace zoo {
namespace {

using Names = std::vector<std::string>;

/// A family's row: what its tensors are called. Those of the encoder follow the family's prefix,
/// those of a block stand below `layer`; empty: the family has none.
struct FamilyNames {
  BertFamily family;
  struct Block {
    std::string layer = "encoder.layer.{}.";
    Names qkv = {"attention.self.query", "attention.self.key", "attention.self.value"};
    std::string attention_out = "attention.output.dense";
    std::string attention_norm = "attention.output.LayerNorm";
    std::string feed_forward_in = "intermediate.dense", feed_forward_out = "output.dense";
    std::string feed_forward_norm = "output.LayerNorm";
  } block = {};
  std::string embedding_proj = "embeddings_project", pooler = "pooler.dense";
  struct MaskedLm {
    std::string dense, norm, bias, decoder;
  } masked_lm = {};
  std::string pair = {};
  std::string classifier_dense = "classifier.dense", text_classifier = "classifier";
};

const FamilyNames& names_of(BertFamily family) {
  static const FamilyNames rows[] = {
      {.family = BertFamily::kBert,
       .masked_lm = {"cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                     "cls.predictions.bias", "cls.predictions.decoder"},
       .pair = "cls.seq_relationship"},
      {.family = BertFamily::kRoberta,
       .masked_lm = {"lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder"},
       .text_classifier = "classifier.out_proj"},
      {.family = BertFamily::kAlbert,
       .block = {.layer = "encoder.albert_layer_groups.{}.albert_layers.0.",
                 .qkv = {"attention.query", "attention.key", "attention.value"},
                 .attention_out = "attention.dense",
                 .attention_norm = "attention.LayerNorm",
                 .feed_forward_in = "ffn",
                 .feed_forward_out = "ffn_output",
                 .feed_forward_norm = "full_layer_layer_norm"},
       .embedding_proj = "encoder.embedding_hidden_mapping_in",
       .pooler = "pooler",
       .masked_lm = {"predictions.dense", "predictions.LayerNorm", "predictions.bias",
                     "predictions.decoder"},
       .pair = "sop_classifier.classifier"},
      {.family = BertFamily::kElectra,
       .masked_lm = {"generator_predictions.dense", "generator_predictions.LayerNorm",
                     "generator_lm_head.bias", "generator_lm_head"},
       .text_classifier = "classifier.out_proj"},
      {.family = BertFamily::kDistilBert,
       .block = {.layer = "transformer.layer.{}.",
                 .qkv = {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
                 .attention_out = "attention.out_lin",
                 .attention_norm = "sa_layer_norm",
                 .feed_forward_in = "ffn.lin1",
                 .feed_forward_out = "ffn.lin2",
                 .feed_forward_norm = "output_layer_norm"},
       .masked_lm = {"vocab_transform", "vocab_layer_norm", "vocab_projector.bias",
                     "vocab_projector"},
       .classifier_dense = "pre_classifier"}};
  for (const auto& row : rows)
    if (row.family == family) return row;
  throw std::invalid_argument("unknown BERT family");
}

class BertNames {
 public:
  BertNames(const BertTaskOptions& options, HeadsOnDisk heads)
      : task_(options.task),
        tied_(options.tie_embeddings),
        family_(options.bert.family),
        names_(names_of(family_)),
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
                        "sequence_summary.",
                        "pre_classifier.",
                        "vocab_"};
  }

  NameMap make() {
    add_embeddings();
    add_blocks();
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
    add("bert.embedding_proj", {root() + names_.embedding_proj});
  }

  void add_blocks() {
    const FamilyNames::Block& block = names_.block;
    const auto theirs = [&](const std::string& name) { return root() + block.layer + name; };
    Names qkv;
    for (const auto& name : block.qkv) qkv.push_back(theirs(name));
    add("bert.blocks.{}.attention.in_proj", qkv);
    add("bert.blocks.{}.attention.out_proj", {theirs(block.attention_out)});
    add("bert.blocks.{}.attention_norm", {theirs(block.attention_norm)});
    add("bert.blocks.{}.feed_forward.in_proj", {theirs(block.feed_forward_in)});
    add("bert.blocks.{}.feed_forward.out_proj", {theirs(block.feed_forward_out)});
    add("bert.blocks.{}.feed_forward_norm", {theirs(block.feed_forward_norm)});
  }

  void add_pooler() {
    add("bert.pooler", {root() + names_.pooler}, heads_optional_);
    ignore_layer(map_, root() + names_.pooler);  // where the task has none
  }

  void add_masked_lm() {
    const bool used = task_ == BertTask::kMaskedLm ||
                      (task_ == BertTask::kPreTraining && family_ != BertFamily::kElectra);
    if (!used) return;
    const auto& [dense, norm, bias, decoder] = names_.masked_lm;
    add("masked_lm.dense", {dense}, heads_optional_);
    add("masked_lm.norm", {norm}, heads_optional_);
    if (!tied_) {  // the bias is that of the output layer, and the other one idle
      add_row("masked_lm.bias", {decoder + ".bias"}, heads_optional_);
      add_row("masked_lm.decoder", {decoder + ".weight"}, heads_optional_);
      map_.ignored.push_back(bias);
      return;
    }
    add_row("masked_lm.bias", {bias}, heads_optional_);
    map_.copies[decoder + ".weight"] = root() + "embeddings.word_embeddings.weight";
    if (decoder + ".bias" != bias) map_.copies[decoder + ".bias"] = bias;
  }

  void add_pair_and_replaced() {
    const bool pre_trains = task_ == BertTask::kPreTraining;
    if (!names_.pair.empty())
      add_head(pre_trains || task_ == BertTask::kNextSentence, "pair.out_proj", names_.pair);
    if (family_ != BertFamily::kElectra) return;
    add_head(pre_trains, "replaced.dense", "discriminator_predictions.dense");
    add_head(pre_trains, "replaced.out_proj", "discriminator_predictions.dense_prediction");
  }

  void add_classifier() {
    const bool of_texts = task_ == BertTask::kClassifyText;
    // The name that no file has lets ours keep its values.
    const std::string at = heads_ == HeadsOnDisk::kButClassifier ? "(new) " : "";
    add("classifier.dense", {at + names_.classifier_dense}, heads_optional_);
    add("classifier.out_proj", {at + (of_texts ? names_.text_classifier : "classifier")},
        heads_optional_);
  }

  NameMap map_{.family = {}, .rows = {}};
  BertTask task_;
  bool tied_;
  BertFamily family_;
  const FamilyNames& names_;
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
  for (const std::string& ours :
       {block + "attention_scale", block + "feed_forward_scale", block + "mixer.key_projection",
        block + "mixer.value_projection", block + "mixer.directions",
        std::string("bert.position.relative_bias.weight"),
        std::string("bert.position.content_bias"), std::string("bert.position.distance_bias"),
        block + "attention.distance_proj.weight"})
    add_parameter(map, ours, ours);
  for (const char* const part :
       {"query_down", "query_norm", "query_up", "key_down", "key_norm", "key_up"}) {
    const std::string ours = block + "attention.latent." + part;
    add_layer(map, {.ours = ours, .theirs = {ours}});
  }
  for (const std::string& ours :
       {block + "attention.q_norm", block + "attention.k_norm", block + "attention_out_norm",
        block + "feed_forward_out_norm", block + "mixer.in_proj", block + "mixer.out_proj",
        std::string("bert.final_norm")})
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
