// Published sizes of BERT and its relatives. Each cites the table it follows.
#include <utility>

#include "base/option_checks.h"
#include "models/bert/bert.h"

namespace zoo {
namespace {

// Devlin et al. 2018, §3: F = 4 C, heads of width 64, sequences of up to 512 tokens.
BertOptions bert_sized(int64_t layers, int64_t d_model) {
  BertOptions o;
  o.vocab_size = 30522;
  o.context = 512;
  o.layers = layers;
  o.d_model = d_model;
  o.heads = d_model / 64;
  return o;
}

}  // namespace

// Turc et al. 2019 (arXiv:1908.08962), Table 1.
BertOptions BertOptions::tiny() { return bert_sized(2, 128); }
BertOptions BertOptions::mini() { return bert_sized(4, 256); }
BertOptions BertOptions::small() { return bert_sized(4, 512); }
BertOptions BertOptions::medium() { return bert_sized(8, 512); }

BertOptions BertOptions::base() { return bert_sized(12, 768); }
BertOptions BertOptions::large() { return bert_sized(24, 1024); }

// Liu et al. 2019, §2.3 and §4.4: byte-level BPE with 50K pieces, no segments.
BertOptions BertOptions::roberta_base() {
  BertOptions o = base();
  o.family = BertFamily::kRoberta;
  o.vocab_size = 50265;
  o.segments = 1;
  o.position_padding = 1;
  o.norm_epsilon = 1e-5;
  return o;
}

// Lan et al. 2019, Table 1; its second release has no dropout (§4.8).
BertOptions BertOptions::albert_base() {
  BertOptions o = base();
  o.family = BertFamily::kAlbert;
  o.vocab_size = 30000;
  o.embedding_width = 128;
  o.shared_blocks = 1;
  o.activation = Activation::kGeluTanh;
  o.dropout = o.attention_dropout = 0.0;
  return o;
}

// Clark et al. 2020, Table 6.
BertOptions BertOptions::electra_small() {
  BertOptions o = bert_sized(12, 256);
  o.family = BertFamily::kElectra;
  o.embedding_width = 128;
  o.pooler = false;
  return o;
}

// §3.2 of the paper: the generator's layers are a quarter as wide, its embeddings the
// discriminator's.
BertOptions BertOptions::electra_small_generator() {
  BertOptions o = electra_small();
  o.d_model = 64;
  o.heads = 1;
  return o;
}

// Sanh et al. 2019, §3: every second layer of BERT, without token types and pooler.
BertOptions BertOptions::distilbert_base() {
  BertOptions o = bert_sized(6, 768);
  o.family = BertFamily::kDistilBert;
  o.segments = 0;
  o.pooler = false;
  return o;
}

// Wang et al. 2020, §4: 12 heads at width 384; six layers as sentence-transformers has them.
BertOptions BertOptions::minilm_l6() {
  BertOptions o = bert_sized(6, 384);
  o.heads = 12;
  return o;
}

BertOptions BertOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, BertOptions (*)()> presets[] = {
      {"tiny", &BertOptions::tiny},
      {"mini", &BertOptions::mini},
      {"small", &BertOptions::small},
      {"medium", &BertOptions::medium},
      {"base", &BertOptions::base},
      {"large", &BertOptions::large},
      {"roberta-base", &BertOptions::roberta_base},
      {"albert-base", &BertOptions::albert_base},
      {"electra-small", &BertOptions::electra_small},
      {"electra-small-generator", &BertOptions::electra_small_generator},
      {"distilbert-base", &BertOptions::distilbert_base},
      {"minilm-l6", &BertOptions::minilm_l6}};
  return find_preset(presets, name);
}

}  // namespace zoo
