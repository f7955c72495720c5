// What one forward pass costs, from the options alone: the operations of matrix products,
// convolutions and attention (a multiply and an add are two). Norms, activations, softmax and
// look-ups are not counted: together they are a few per cent. A decoder-only model is gpt_size()'s.
#pragma once
#include <cstdint>

#include "models/bert/bert.h"
#include "models/clip/clip.h"
#include "models/transformer/recurrent.h"
#include "models/transformer/transformer.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"
#include "models/vision/vit.h"

namespace zoo {

/// A sequence of `length` tokens through the encoder and, where there is one, its pooler; a
/// masked-word head costs 2 C (C + V) more for each masked token.
double forward_flops(const BertOptions& options, int64_t length);
/// A source and a target of `length` tokens each, with scores of all words.
double forward_flops(const TransformerOptions& options, int64_t length);
double forward_flops(const RecurrentOptions& options, int64_t length);
/// One picture.
double forward_flops(const VitOptions& options);
double forward_flops(const CctOptions& options);
double forward_flops(const CnnOptions& options);
double forward_flops(const LinearClassifierOptions& options);
/// One picture and one text of `length` tokens, through the towers that there are.
double forward_flops(const ClipOptions& options, int64_t length);

}  // namespace zoo
