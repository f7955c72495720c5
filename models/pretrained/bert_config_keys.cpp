// Which key of a BERT's config.json means which of our options.
#include "models/pretrained/bert_config_keys.h"

#include <map>
#include <nlohmann/json.hpp>

#include "models/pretrained/config_json.h"

namespace zoo {
namespace {

using nlohmann::json;

/// Features that the zoo lacks.
void check_features(const json& config) {
  for (const char* key : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    if (config_value(config, key, false))
      config_fail("\"{}\" is true, but the zoo's BERT is an encoder", key);
  }
  const auto places = config_value<std::string>(config, "position_embedding_type", "absolute");
  if (places != "absolute") {
    config_fail("position_embedding_type \"{}\" is not supported; known is absolute",
                places.substr(0, 60));
  }
  if (!config_value(config, "tie_word_embeddings", true)) {
    config_fail(
        "\"tie_word_embeddings\" is false, but the zoo's BERT predicts with its embeddings");
  }
  if (config_count(config, "inner_group_num", 1) != 1) {
    config_fail("\"inner_group_num\" must be 1: each of ALBERT's groups is one block here");
  }
}

/// Where the four differ in what a missing key means.
struct Defaults {
  int64_t vocab_size = 30522, d_model = 768, layers = 12, heads = 12, feed_forward = 3072;
  const char* activation = "gelu";
  double dropout = 0.1;
};
Defaults defaults_of(BertFamily family) {
  switch (family) {
    case BertFamily::kBert:
      return {};
    case BertFamily::kRoberta:
      return {.vocab_size = 50265};
    case BertFamily::kAlbert:
      return {30000, 4096, 12, 64, 16384, "gelu_new", 0.0};
    case BertFamily::kElectra:
      return {30522, 256, 12, 4, 1024, "gelu", 0.1};
  }
  throw std::invalid_argument("unknown BERT family");
}

void read_family(const json& config, BertOptions& o) {
  if (o.family == BertFamily::kRoberta) {
    o.position_padding = config_value<int64_t>(config, "pad_token_id", 1);
    const bool fits = o.position_padding >= 0 && o.position_padding + 1 < o.context;
    if (!fits) {
      config_fail("\"pad_token_id\" {} leaves no place of {} \"max_position_embeddings\"",
                  o.position_padding, o.context);
    }
    o.context -= o.position_padding + 1;
  }
  const int64_t E = config_count(config, "embedding_size", 128);
  if (o.family == BertFamily::kAlbert) {
    o.embedding_width = E;
    o.shared_blocks = config_count(config, "num_hidden_groups", 1);
  }
  // ELECTRA projects only where the widths differ.
  if (o.family == BertFamily::kElectra && E != o.d_model) o.embedding_width = E;
}

const char* classifier_dropout_key(BertFamily family) {
  return family == BertFamily::kAlbert ? "classifier_dropout_prob" : "classifier_dropout";
}

}  // namespace

json bert_keys(const BertTaskOptions& model) {
  const BertOptions o = resolved(model.bert);
  json keys = {{"vocab_size", o.vocab_size},
               {"max_position_embeddings", o.context + o.position_padding + 1},
               {"hidden_size", o.d_model},
               {"num_hidden_layers", o.layers},
               {"num_attention_heads", o.heads},
               {"intermediate_size", o.feed_forward},
               {"hidden_act", reference_activation(o.activation)},
               {"hidden_dropout_prob", o.dropout},
               {"attention_probs_dropout_prob", o.attention_dropout},
               {"type_vocab_size", o.segments},
               {"layer_norm_eps", o.norm_epsilon},
               {"initializer_range", o.init_std}};
  if (o.family == BertFamily::kAlbert) {
    keys["num_hidden_groups"] = o.shared_blocks;
    keys["inner_group_num"] = 1;
  }
  if (o.family == BertFamily::kAlbert || o.family == BertFamily::kElectra)
    keys["embedding_size"] = o.embedding_width > 0 ? o.embedding_width : o.d_model;
  if (o.family == BertFamily::kRoberta) keys["pad_token_id"] = o.position_padding;
  // ALBERT has no null there: it says what null means to the others.
  if (model.classifier_dropout || o.family == BertFamily::kAlbert)
    keys[classifier_dropout_key(o.family)] = model.classifier_dropout.value_or(o.dropout);
  else
    keys[classifier_dropout_key(o.family)] = json();
  return keys;
}

BertTaskOptions bert_options_from_keys(const json& config, BertFamily family, BertTask task) {
  check_features(config);
  const Defaults defaults = defaults_of(family);
  BertTaskOptions model{.bert = {}, .task = task};
  BertOptions& o = model.bert;
  o.family = family;
  o.vocab_size = config_count(config, "vocab_size", defaults.vocab_size);
  o.context = config_count(config, "max_position_embeddings", 512);
  o.d_model = config_count(config, "hidden_size", defaults.d_model);
  o.layers = config_count(config, "num_hidden_layers", defaults.layers);
  o.heads = config_count(config, "num_attention_heads", defaults.heads);
  o.feed_forward = config_count(config, "intermediate_size", defaults.feed_forward);
  o.activation = activation_of(config_value<std::string>(config, "hidden_act", defaults.activation),
                               "hidden_act");
  o.dropout = config_value(config, "hidden_dropout_prob", defaults.dropout);
  o.attention_dropout = config_value(config, "attention_probs_dropout_prob", defaults.dropout);
  o.segments = config_count(config, "type_vocab_size", 2);
  o.norm_epsilon = config_value(config, "layer_norm_eps", 1e-12);
  o.init_std = config_value(config, "initializer_range", 0.02);
  o.pooler = family != BertFamily::kElectra;
  read_family(config, o);
  const std::string key = classifier_dropout_key(family);
  if (const auto found = config.find(key); found != config.end() && !found->is_null()) {
    model.classifier_dropout = json_value<double>(*found, key);
  }
  if (model.classifier_dropout &&
      !(*model.classifier_dropout >= 0 && *model.classifier_dropout < 1))
    config_fail("\"{}\" must be in [0, 1), got {}", key, *model.classifier_dropout);
  return model;
}

}  // namespace zoo
