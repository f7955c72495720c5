// The place of this process in a run: from the variables that torchrun, mpirun, Slurm and
// --processes set.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace zoo {

struct ProcessEnvironment {
  int64_t rank = 0;
  int64_t size = 1;
  int64_t local_rank = 0;           ///< on this machine: chooses the GPU
  int64_t local_size = 1;           ///< processes of the run on this machine; 0: unknown
  std::string master_address = {};  ///< of process 0
  int master_port = 0;
  std::string run_id = {};            ///< tells runs on one port apart; empty: unknown
  int64_t restarts = 0;               ///< of all processes, by torchrun
  bool launcher_keeps_store = false;  ///< torchrun holds the store, not process 0
  std::string launcher = {};          ///< "torchrun", "mpirun", "srun", ...; for messages
};

/// The value of a variable; nothing where it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

/// RANK and WORLD_SIZE, as torchrun sets them, come before the names of OpenMPI, of MPICH and of
/// Slurm. A single process if there is none of them, or the size is 1. Slurm's count only in a
/// step of srun: a shell in an allocation has them, too. Throws std::runtime_error, which names the
/// variable, its value and what it should be.
ProcessEnvironment read_process_environment(const Variables& variables);
/// The same of the variables of this process.
ProcessEnvironment process_environment();

/// The first host in a list of Slurm: "node004" of "node[004-006,9],login1".
std::string first_slurm_host(const std::string& list);

}  // namespace zoo
