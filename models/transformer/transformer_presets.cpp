// Published and classroom sizes of encoder-decoders. Each cites the table it follows.
#include <utility>

#include "base/option_checks.h"
#include "models/transformer/transformer.h"

namespace zoo {

TransformerOptions TransformerOptions::tiny() {
  TransformerOptions o;
  o.encoder_layers = o.decoder_layers = 1;
  o.d_model = 32;
  o.heads = 1;
  o.feed_forward = 64;
  o.context = 64;
  o.dropout = 0.0;
  return o;
}

TransformerOptions TransformerOptions::small() { return {}; }

// Vaswani et al. 2017, Table 3, row "base"; vocabulary of §5.1.
TransformerOptions TransformerOptions::base() {
  TransformerOptions o;
  o.vocab_size = 37000;
  o.encoder_layers = o.decoder_layers = 6;
  o.d_model = 512;
  o.heads = 8;
  o.feed_forward = 2048;
  return o;
}

// The same table, row "big".
TransformerOptions TransformerOptions::big() {
  TransformerOptions o = base();
  o.d_model = 1024;
  o.heads = 16;
  o.feed_forward = 4096;
  o.dropout = 0.3;
  return o;
}

// Tiedemann & Thottingal 2020 (EAMT, "OPUS-MT"), §2.1: transformer-base in Marian, with swish.
TransformerOptions TransformerOptions::marian() {
  TransformerOptions o = base();
  o.vocab_size = 58101;
  o.activation = Activation::kSilu;
  o.output_bias = true;
  o.init_std = 0.02;
  return o;
}

// Lewis et al. 2019, §2.1: GELU, learned positions, N(0, 0.02); §4: 6 + 6 layers for the base
// model.
TransformerOptions TransformerOptions::bart_base() {
  TransformerOptions o;
  o.vocab_size = 50265;
  o.context = 1024;
  o.encoder_layers = o.decoder_layers = 6;
  o.d_model = 768;
  o.heads = 12;
  o.feed_forward = 3072;
  o.activation = Activation::kGelu;
  o.position = PositionKind::kLearned;
  o.position_offset = 2;
  o.norm_embeddings = true;
  o.scale_embeddings = false;
  o.output_bias = true;
  o.attention_dropout = 0.1;
  o.init_std = 0.02;
  return o;
}

// Zhang et al. 2019, §6: L = 12, H = 768, F = 3072, A = 12; sinusoidal positions, norms first.
TransformerOptions TransformerOptions::pegasus_base() {
  TransformerOptions o;
  o.vocab_size = 96103;
  o.encoder_layers = o.decoder_layers = 12;
  o.d_model = 768;
  o.heads = 12;
  o.feed_forward = 3072;
  o.norm_place = NormPlace::kPre;
  o.output_bias = true;
  return o;
}

TransformerOptions TransformerOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, TransformerOptions (*)()> presets[] = {
      {"tiny", &TransformerOptions::tiny},
      {"small", &TransformerOptions::small},
      {"base", &TransformerOptions::base},
      {"big", &TransformerOptions::big},
      {"marian", &TransformerOptions::marian},
      {"bart-base", &TransformerOptions::bart_base},
      {"pegasus-base", &TransformerOptions::pegasus_base}};
  return find_preset(presets, name);
}

}  // namespace zoo
