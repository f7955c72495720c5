// The processes of a run find each other through shared keys.
#pragma once
#include <chrono>
#include <vector>

#include "train/processes/environment.h"
#include "train/processes/identity.h"
#include "train/processes/shared_keys.h"

namespace zoo {

/// Throws std::runtime_error if another run holds these keys.
void require_own_run(SharedKeys& keys, const ProcessEnvironment& environment,
                     std::chrono::milliseconds timeout);

/// Announces this process and waits for the others; in the order of ranks. `keys`: of this start of
/// the run. Throws std::runtime_error that names the processes which have not joined, have the same
/// rank, or were started with another number of processes.
std::vector<ProcessIdentity> meet(SharedKeys& keys, const ProcessIdentity& own,
                                  const ProcessEnvironment& environment,
                                  std::chrono::milliseconds timeout);

}  // namespace zoo
