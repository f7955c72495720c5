// A backend of c10d whose calls end when a process is lost, with an error that names it.
#pragma once
#include <memory>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "train/processes/watch.h"

namespace zoo {

/// The calls that the zoo and c10d's Reducer make: allreduce, broadcast and allgather. Their works
/// and futures fail with ProcessLost, even where those of `backend` would wait on.
c10::intrusive_ptr<c10d::Backend> watched(c10::intrusive_ptr<c10d::Backend> backend,
                                          std::shared_ptr<Watch> watch);

}  // namespace zoo
