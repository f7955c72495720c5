// Contrastive batches larger than memory: Gao et al. 2021 (arXiv:2101.06983), §3. The loss needs
// the embeddings of the whole batch at once, but the encoders' gradients only a chunk at a time.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace zoo {

/// Embeds examples begin .. begin + count - 1 of the batch: -> [count, E]. Called twice for each
/// chunk, with the same random numbers.
using ChunkEncoder = std::function<torch::Tensor(int64_t begin, int64_t count)>;
/// The whole batch's embeddings, one [B, E] per encoder -> [].
using BatchLoss = std::function<torch::Tensor(const std::vector<torch::Tensor>& embeddings)>;

/// Differentiates the loss; a trainer scales it first.
using LossBackward = std::function<void(const torch::Tensor& loss)>;
inline void plain_backward(const torch::Tensor& loss) { loss.backward(); }

/// Adds the gradients of loss(encoders of the whole batch) to all parameters, including those that
/// only the loss uses (a temperature), and returns the loss. Equal to one pass over the batch, up
/// to rounding. Memory: the activations of one chunk of one encoder, and all embeddings; time: two
/// forward passes.
torch::Tensor backward_in_chunks(const std::vector<ChunkEncoder>& encoders, int64_t batch,
                                 int64_t chunk, const BatchLoss& loss,
                                 torch::Device device = torch::kCPU,
                                 const LossBackward& backward = plain_backward);

}  // namespace zoo
