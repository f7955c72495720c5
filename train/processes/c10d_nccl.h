// NCCL: sums between GPUs, for builds with ZOO_CUDA and NCCL's header.
#pragma once
#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace zoo {

/// Of a process on a GPU that no other has. Calls return before they are done: the GPU's stream
/// waits. One that lasts longer than `timeout` ends the process.
c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                            int size, std::chrono::milliseconds timeout);

}  // namespace zoo
