// Which key of a BERT's config.json means which of our options.
#include "models/pretrained/bert/bert_config_keys.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/stack_keys.h"

namespace zoo {
namespace {

using nlohmann::json;

/// Where the four differ in what a missing key means.
struct Defaults {
  int64_t vocab_size = 30522;
  StackDefaults stack = {};
  double dropout = 0.1;
};
Defaults defaults_of(BertFamily family) {
  switch (family) {
    case BertFamily::kBert:
      return {};
    case BertFamily::kRoberta:
      return {.vocab_size = 50265};
    case BertFamily::kAlbert:
      return {
          .vocab_size = 30000,
          .stack = {.d_model = 4096, .heads = 64, .feed_forward = 16384, .activation = "gelu_new"},
          .dropout = 0.0};
    case BertFamily::kElectra:
      return {.stack = {.d_model = 256, .heads = 4, .feed_forward = 1024}};
  }
  throw std::invalid_argument("unknown BERT family");
}

/// What all four share; `places` are the rows of the table of positions.
template <class Keys>
void shared_keys(Keys& keys, BertTaskOptions& model, int64_t& places) {
  BertOptions& o = model.bert;
  const Defaults defaults = defaults_of(o.family);
  keys.count("vocab_size", o.vocab_size, defaults.vocab_size);
  keys.count("max_position_embeddings", places, 512);
  stack_keys(keys, o, defaults.stack);
  dropout_keys(keys, o, defaults.dropout);
  keys.count("type_vocab_size", o.segments, 2);
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

const char* classifier_dropout_key(BertFamily family) {
  return family == BertFamily::kAlbert ? "classifier_dropout_prob" : "classifier_dropout";
}

void read_classifier_dropout(const json& config, BertTaskOptions& model) {
  const std::string key = classifier_dropout_key(model.bert.family);
  if (const auto found = config.find(key); found != config.end() && !found->is_null())
    model.classifier_dropout = json_value<double>(*found, key);
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
  // ALBERT has no null there: it says what null means to the others.
  if (model.classifier_dropout || o.family == BertFamily::kAlbert)
    result[classifier_dropout_key(o.family)] = model.classifier_dropout.value_or(o.dropout);
  else
    result[classifier_dropout_key(o.family)] = json();
  return result;
}

BertTaskOptions bert_options_from_keys(const json& config, BertFamily family, BertTask task) {
  BertTaskOptions model{.bert = {}, .task = task};
  BertOptions& o = model.bert;
  o.family = family;
  ReadKeys keys(config);
  int64_t places = 0, width = 0;
  shared_keys(keys, model, places);
  albert_keys(keys, o, width);
  // ELECTRA projects only where the widths differ.
  const bool projects =
      family == BertFamily::kAlbert || (family == BertFamily::kElectra && width != o.d_model);
  if (projects) o.embedding_width = width;
  o.pooler = family != BertFamily::kElectra;
  read_padding(config, places, o);
  read_classifier_dropout(config, model);
  return model;
}

}  // namespace zoo
