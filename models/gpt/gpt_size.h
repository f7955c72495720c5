// How large a GPT is and what it costs, from its options alone: parameters, operations, memory.
#pragma once
#include <cstdint>

#include "models/gpt/gpt.h"

namespace zoo {

/// Counts are whole numbers, exact up to 2^53.
struct GptSize {
  double parameters = 0;            ///< all that are trained
  double embedding_parameters = 0;  ///< tables of tokens and learned positions (a tied output
                                    ///< layer is counted here, once)
  double output_parameters = 0;     ///< an output layer of its own; 0 where tied
  double matrix_parameters = 0;     ///< weights of all matrix products, output layer included
  /// Operations (a multiply and an add are two) of one token in a sequence of T: 2 N for the matrix
  /// products and 4 L H Dh T for the attention scores and their use, as if each token saw all T.
  /// Kaplan et al. 2020 (arXiv:2001.08361), §2.1; Chowdhery et al. 2022 (arXiv:2204.02311),
  /// Appendix B.
  double forward_flops_per_token = 0;
  double training_flops_per_token = 0;  ///< three times that: backward costs two forwards
  double cache_values_per_token = 0;    ///< numbers that the KV cache holds for one token
};

/// Sizes of a model with these options, on sequences of `length` tokens.
GptSize gpt_size(const GptOptions& options, int64_t length);

}  // namespace zoo
