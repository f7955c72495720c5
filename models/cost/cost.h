// What a model consists of and what a pass through it costs, from its options alone: nothing is
// built. Each family adds up the counts of its parts; tests compare the sums with real modules and
// with the operations that torch executes.
#pragma once
#include <cstdint>

#include "models/layers/stack_options.h"
#include "models/positions/position_options.h"

namespace zoo {

/// In floating point, because products of sizes from a damaged config.json would overflow integers;
/// whole numbers are exact up to 2^53. Operations are those of matrix products, convolutions and
/// attention, a multiply and an add being two. Norms, activations, softmax and look-ups are not
/// counted: together they are a few per cent.
struct ModelCost {
  double parameters = 0;            ///< all that are trained
  double embedding_parameters = 0;  ///< of these, tables of tokens, segments and learned positions
  double output_parameters = 0;  ///< of these, an output layer over the vocabulary that is not tied
  double layers = 0;             ///< built one by one, each of several small modules
  double forward_flops = 0;      ///< operations of one forward pass
  double recomputed_flops = 0;  ///< of these, those of reversible layers, which training runs twice
  double output_flops = 0;      ///< of these, those of the output layer over the vocabulary
  double cache_values_per_token = 0;  ///< numbers that a cache holds for each token
  double cache_values = 0;            ///< numbers that it holds for a row, however long

  ModelCost& operator+=(const ModelCost& other);
  friend ModelCost operator+(ModelCost a, const ModelCost& b) { return a += b; }
  /// The same part several times.
  friend ModelCost operator*(double times, ModelCost cost);
};

/// Training costs three forward passes, and one more of reversible layers: the backward pass
/// computes gradients of inputs and of weights.
double training_flops(const ModelCost& cost);

// Parts that all families share.

/// A table of `rows` vectors; nothing is computed.
ModelCost table_cost(double rows, double width);
/// A linear layer applied to `rows` vectors.
ModelCost linear_cost(double rows, double in, double out, bool bias);
/// A square or other convolution without bias, of `kernel` values a channel, that gives `positions`
/// output positions.
ModelCost convolution_cost(double positions, double kernel, double in, double out);
ModelCost norm_cost(double width, const NormOptions& options);
/// A feed-forward network applied to `rows` vectors.
ModelCost feed_forward_cost(const FeedForwardOptions& options, double rows);
/// What a position scheme learns, for sequences of up to `positions` tokens `width` wide.
ModelCost position_cost(const PositionOptions& options, double positions, double width,
                        double heads, double head_width);
/// Queries from T tokens; keys and values from S, which are the same tokens in self-attention.
ModelCost attention_cost(const MultiHeadAttentionOptions& options, double T, double S);
/// T tokens through one block; a decoder's block with cross-attention reads S encoder states.
ModelCost block_cost(const BlockOptions& options, double T, double S = 0);
/// T tokens through all blocks of a stack.
ModelCost blocks_cost(const StackOptions& options, double T);
/// Those of a decoder with cross-attention.
ModelCost decoder_blocks_cost(const StackOptions& options, double T, double S);
/// Scores of T queries and S keys and the weighted sums of values, all heads together `width` wide:
/// 4 T S width.
double attention_flops(double T, double S, double width);

/// Throws std::invalid_argument, in one line, where the weights in float32 and what LibTorch keeps
/// for each layer exceed this machine's memory.
void require_model_memory(const ModelCost& cost);

}  // namespace zoo
