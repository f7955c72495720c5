// Joins the other processes of a run.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "train/loop/processes.h"
#include "train/processes/environment.h"

namespace zoo {

struct ProcessOptions {
  std::string program = {};  ///< "train_gpt", before the line of a process that ends itself
  /// All processes have joined by then. One that is silent for a tenth of it is lost.
  std::chrono::milliseconds timeout{300000};
  /// Processes that are all there wait for each other at most so long.
  std::chrono::milliseconds collective_timeout{std::chrono::minutes(30)};
  bool bf16_gradients = false;  ///< gradients travel in half of the bytes
  bool cuda = false;            ///< sums of tensors on GPUs
};

/// Whether this build has c10d and Gloo.
bool can_join_processes();

/// Waits for all processes of the run. Throws std::runtime_error, one line, if one does not come in
/// time, another run uses the port, or two disagree on the number of processes. The result says
/// goodbye when it is destroyed; destroyed by an exception, it ends the other processes with a line
/// that names this one.
std::unique_ptr<Processes> join_processes(const ProcessEnvironment& environment,
                                          const ProcessOptions& options);

}  // namespace zoo
