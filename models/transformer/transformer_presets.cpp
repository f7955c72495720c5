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

// Liu et al. 2020, §2.2: BART's large model with 12 layers a side and a norm after each stack,
// which pre-norm needs.
TransformerOptions TransformerOptions::mbart_large() {
  TransformerOptions o = bart_base();
  o.vocab_size = 250027;
  o.encoder_layers = o.decoder_layers = 12;
  o.d_model = 1024;
  o.heads = 16;
  o.feed_forward = 4096;
  o.norm_place = NormPlace::kPre;
  o.scale_embeddings = true;
  return o;
}

// Raffel et al. 2019, §2.1: no biases, RMS norms first, one table of relative biases a stack, no
// scale in attention; §3.7: the sizes.
TransformerOptions TransformerOptions::t5_small() {
  TransformerOptions o;
  o.vocab_size = 32128;
  o.encoder_layers = o.decoder_layers = 6;
  o.d_model = 512;
  o.heads = 8;
  o.head_width = 64;
  o.feed_forward = 2048;
  o.position = PositionKind::kBucketed;
  o.norm = NormKind::kRms;
  o.norm_place = NormPlace::kPre;
  o.norm_epsilon = 1e-6;
  o.attention_bias = o.feed_forward_bias = o.scale_attention = false;
  o.scale_embeddings = false;
  o.scale_output = true;
  o.attention_dropout = o.activation_dropout = 0.1;
  return o;
}

// T5 1.1 (Shazeer 2020, arXiv:2002.05202, §3), which Chung et al. 2022 (arXiv:2210.11416)
// fine-tune.
TransformerOptions TransformerOptions::flan_t5_small() {
  TransformerOptions o = t5_small();
  o.encoder_layers = o.decoder_layers = 8;
  o.heads = 6;
  o.feed_forward = 1024;
  o.activation = Activation::kGegluTanh;
  o.scale_output = o.tie_embeddings = false;
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
      {"mbart-large", &TransformerOptions::mbart_large},
      {"t5-small", &TransformerOptions::t5_small},
      {"flan-t5-small", &TransformerOptions::flan_t5_small},
      {"pegasus-base", &TransformerOptions::pegasus_base}};
  return find_preset(presets, name);
}

}  // namespace zoo
