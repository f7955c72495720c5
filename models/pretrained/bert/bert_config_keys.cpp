// Which key of a BERT's config.json means which of our options.
#include "models/pretrained/bert/bert_config_keys.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/stack_keys.h"

namespace zoo {
namespace {

using nlohmann::json;

/// A family's row: what its keys are called, and what a missing one means.
struct FamilyKeys {
  BertFamily family;
  StackKeyNames names = {};
  std::string_view classifier_dropout = "classifier_dropout";
  int64_t vocab_size = 30522;
  StackDefaults stack = {};
  double dropout = 0.1;
  std::span<const KeyAlias> aliases = {};
};

constexpr KeyAlias kDistilBertAliases[] = {
    {"hidden_size", "dim"}, {"num_attention_heads", "n_heads"}, {"num_hidden_layers", "n_layers"}};

constexpr FamilyKeys kFamilies[] = {
    {.family = BertFamily::kBert},
    {.family = BertFamily::kRoberta, .vocab_size = 50265},
    {.family = BertFamily::kAlbert,
     .classifier_dropout = "classifier_dropout_prob",
     .vocab_size = 30000,
     .stack = {.d_model = 4096, .heads = 64, .feed_forward = 16384, .activation = "gelu_new"},
     .dropout = 0.0},
    {.family = BertFamily::kElectra, .stack = {.d_model = 256, .heads = 4, .feed_forward = 1024}},
    {.family = BertFamily::kDistilBert,
     .names = {.d_model = "dim",
               .layers = "n_layers",
               .heads = "n_heads",
               .feed_forward = "hidden_dim",
               .activation = "activation",
               .norm_epsilon = "",
               .dropout = "dropout",
               .attention_dropout = "attention_dropout"},
     .classifier_dropout = "seq_classif_dropout",
     .stack = {.layers = 6},
     .aliases = kDistilBertAliases}};

const FamilyKeys& keys_of(BertFamily family) {
  for (const auto& row : kFamilies)
    if (row.family == family) return row;
  throw std::invalid_argument("unknown BERT family");
}

/// What all share; `places` are the rows of the table of positions.
template <class Keys>
void shared_keys(Keys& keys, BertTaskOptions& model, int64_t& places) {
  BertOptions& o = model.bert;
  const FamilyKeys& row = keys_of(o.family);
  keys.count("vocab_size", o.vocab_size, row.vocab_size);
  keys.count("max_position_embeddings", places, 512);
  stack_keys(keys, o, row.stack, row.names);
  dropout_keys(keys, o, row.dropout, row.names);
  if (o.family != BertFamily::kDistilBert) keys.count("type_vocab_size", o.segments, 2);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", model.tie_embeddings, true);
  keys.fixed("position_embedding_type", "absolute", "the zoo's BERT has");
  for (const char* key : {"is_decoder", "add_cross_attention", "is_encoder_decoder", "is_causal"})
    keys.fixed(key, false, "the zoo's BERT is an encoder:");
}

/// The width of factorised embeddings, and the blocks that layers share.
template <class Keys>
void albert_keys(Keys& keys, BertOptions& o, int64_t& width) {
  if (o.family == BertFamily::kAlbert || o.family == BertFamily::kElectra)
    keys.count("embedding_size", width, 128);
  if (o.family != BertFamily::kAlbert) return;
  keys.count("num_hidden_groups", o.shared_blocks, 1);
  keys.fixed("inner_group_num", 1, "each of ALBERT's groups is one block here:");
}

/// The classifier's dropout where it is not the encoder's. ALBERT and DistilBERT have no null
/// there.
void read_classifier_dropout(const json& config, BertTaskOptions& model) {
  const std::string key(keys_of(model.bert.family).classifier_dropout);
  if (const auto found = config.find(key); found != config.end() && !found->is_null())
    model.classifier_dropout = json_value<double>(*found, key);
  else if (model.bert.family == BertFamily::kDistilBert)
    model.classifier_dropout = 0.2;
  if (model.classifier_dropout &&
      !(*model.classifier_dropout >= 0 && *model.classifier_dropout < 1))
    config_fail("\"{}\" must be in [0, 1), got {}", key, *model.classifier_dropout);
}

/// RoBERTa counts places from the number after its padding token's.
void read_padding(const json& config, int64_t places, BertOptions& o) {
  if (o.family == BertFamily::kRoberta) {
    const auto found = config.find("pad_token_id");
    o.position_padding = found == config.end() ? 1 : json_value<int64_t>(*found, "pad_token_id");
    const bool fits = o.position_padding >= 0 && o.position_padding + 1 < places;
    if (!fits) {
      config_fail("\"pad_token_id\" {} leaves no place of {} \"max_position_embeddings\"",
                  o.position_padding, places);
    }
  }
  o.context = places - (o.position_padding + 1);
}

}  // namespace

json bert_keys(const BertTaskOptions& options) {
  BertTaskOptions model = options;
  BertOptions& o = model.bert = resolved(options.bert);
  json result = json::object();
  WriteKeys keys(result);
  int64_t places = o.context + o.position_padding + 1;
  int64_t width = o.embedding_width > 0 ? o.embedding_width : o.d_model;
  shared_keys(keys, model, places);
  albert_keys(keys, o, width);
  if (o.family == BertFamily::kAlbert) result["inner_group_num"] = 1;
  if (o.family == BertFamily::kRoberta) result["pad_token_id"] = o.position_padding;
  const bool no_null = o.family == BertFamily::kAlbert || o.family == BertFamily::kDistilBert;
  json& classifier = result[std::string(keys_of(o.family).classifier_dropout)];
  if (model.classifier_dropout || no_null)
    classifier = model.classifier_dropout.value_or(o.dropout);
  return result;
}

BertTaskOptions bert_options_from_keys(const json& config, BertFamily family, BertTask task) {
  BertTaskOptions model{.bert = {}, .task = task};
  BertOptions& o = model.bert;
  o.family = family;
  ReadKeys keys(config, keys_of(family).aliases);
  int64_t places = 0, width = 0;
  shared_keys(keys, model, places);
  albert_keys(keys, o, width);
  // ELECTRA projects only where the widths differ.
  const bool projects =
      family == BertFamily::kAlbert || (family == BertFamily::kElectra && width != o.d_model);
  if (projects) o.embedding_width = width;
  o.pooler = family != BertFamily::kElectra && family != BertFamily::kDistilBert;
  if (family == BertFamily::kDistilBert) o.segments = 0;
  read_padding(config, places, o);
  read_classifier_dropout(config, model);
  return model;
}

}  // namespace zoo
