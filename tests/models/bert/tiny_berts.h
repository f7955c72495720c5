// Small BERTs of all families: what holds for a BERT is tested on all of them.
#pragma once
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "models/bert/bert.h"

namespace zoo::testing {

struct NamedBert {
  std::string name;
  BertOptions options;
};
/// GoogleTest would print the bytes, those that belong to no member included.
inline void PrintTo(const NamedBert& bert, std::ostream* out) { *out << bert.name; }

/// V = 17, context 12, L = 2, C = 15, H = 3; weights large enough for every part to matter.
inline BertOptions tiny_bert() {
  BertOptions o;
  o.vocab_size = 17;
  o.context = 12;
  o.layers = 2;
  o.d_model = 15;
  o.heads = 3;
  o.feed_forward = 20;
  o.dropout = o.attention_dropout = 0.0;
  o.init_std = 0.3;
  return o;
}

inline std::vector<NamedBert> tiny_berts() {
  const BertOptions bert = tiny_bert();

  BertOptions roberta = bert;
  roberta.family = BertFamily::kRoberta;
  roberta.position_padding = 1;
  roberta.segments = 1;

  BertOptions albert = bert;
  albert.family = BertFamily::kAlbert;
  albert.embedding_width = 7;
  albert.shared_blocks = 1;
  albert.activation = Activation::kGeluTanh;

  BertOptions electra = bert;
  electra.family = BertFamily::kElectra;
  electra.embedding_width = 8;
  electra.activation = Activation::kRelu;

  BertOptions distilbert = bert;
  distilbert.family = BertFamily::kDistilBert;
  distilbert.segments = 0;
  distilbert.pooler = false;

  BertOptions alibi = bert;
  alibi.position = PositionKind::kAlibi;

  BertOptions t5 = albert;
  t5.position = PositionKind::kBucketed;
  t5.relative = {.buckets = 8, .max_distance = 6};

  BertOptions transformer_xl = albert;
  transformer_xl.position = PositionKind::kTransformerXl;

  BertOptions reversible = t5;
  reversible.norm_place = NormPlace::kPre;
  reversible.reversible = true;

  return {{"bert", bert},
          {"roberta", roberta},
          {"albert", albert},
          {"electra", electra},
          {"distilbert", distilbert},
          {"alibi", alibi},
          {"t5", t5},
          {"transformer_xl", transformer_xl},
          {"reversible", reversible}};
}

inline std::string bert_name(const ::testing::TestParamInfo<NamedBert>& info) {
  return info.param.name;
}

}  // namespace zoo::testing
