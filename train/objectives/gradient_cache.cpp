// Embeddings without graph, the loss over them, then chunk by chunk with graph.
#include "train/objectives/gradient_cache.h"

#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "models/layers/auxiliary_losses.h"
#include "models/layers/generators.h"

namespace zoo {
namespace {

/// What one encoder makes of the batch, and the random state before each chunk.
struct Embedded {
  torch::Tensor embeddings;             // [B, E], a leaf
  std::vector<GeneratorStates> states;  // one a chunk: dropout drops the same in both passes
};

Embedded embed_all(const ChunkEncoder& encode, int64_t batch, int64_t chunk, torch::Device device) {
  const torch::NoGradGuard no_grad;
  Embedded result;
  std::vector<torch::Tensor> parts;
  for (int64_t begin = 0; begin < batch; begin += chunk) {
    result.states.push_back(generator_states(device));
    parts.push_back(encode(begin, std::min(chunk, batch - begin)));  // [count, E]
  }
  result.embeddings = torch::cat(parts).requires_grad_(true);
  return result;
}

void backward_chunk_by_chunk(const ChunkEncoder& encode, const Embedded& embedded, int64_t chunk,
                             torch::Device device) {
  const torch::Tensor& gradient = embedded.embeddings.grad();  // [B, E]
  if (!gradient.defined()) return;                             // the loss does not read it
  const int64_t batch = embedded.embeddings.size(0);
  for (int64_t begin = 0, n = 0; begin < batch; begin += chunk, ++n) {
    const int64_t count = std::min(chunk, batch - begin);
    restore_generators(embedded.states[static_cast<size_t>(n)], device);
    const AuxiliaryShare share(static_cast<double>(count) / static_cast<double>(batch));
    encode(begin, count).backward(gradient.narrow(0, begin, count));
  }
}

}  // namespace

torch::Tensor backward_in_chunks(const std::vector<ChunkEncoder>& encoders, int64_t batch,
                                 int64_t chunk, const BatchLoss& loss, torch::Device device,
                                 const LossBackward& backward) {
  TORCH_CHECK(batch > 0 && chunk > 0, "backward_in_chunks: batch and chunk must be positive, got ",
              batch, " and ", chunk);
  std::vector<Embedded> embedded;
  std::vector<torch::Tensor> embeddings;
  for (const auto& encode : encoders) {
    embedded.push_back(embed_all(encode, batch, chunk, device));
    embeddings.push_back(embedded.back().embeddings);
  }
  const auto value = loss(embeddings);
  backward(value);
  const auto after = generator_states(device);  // as if every chunk had been embedded once
  for (size_t n = 0; n < encoders.size(); ++n)
    backward_chunk_by_chunk(encoders[n], embedded[n], chunk, device);
  restore_generators(after, device);
  return value.detach();
}

}  // namespace zoo
