// A student's functions in a process of their own, so that a crash, an endless loop, exit() or a
// gigabyte of output costs one check and not the grading. Only values come back; what they are
// worth is decided here.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "notebooks-cpp/exercises/grader/pipe.h"
#include "notebooks-cpp/exercises/grader/shim.h"

namespace exercises {

struct Call {
  std::string function = {};
  Values arguments = {};
  /// Gradients of the results' floating-point tensors, in order; empty: none are asked for.
  std::vector<at::Tensor> upstream = {};
};

enum class Outcome {
  kAnswered,
  kNotDone,  ///< NotDone was thrown
  kThrew,    ///< another exception
  kOutOfMemory,
  kTimeout,
  kExited,    ///< exit() was called
  kCrashed,   ///< ended by a signal
  kOutput,    ///< printed more than the limit
  kForbidden  ///< tried what exercises may not do: start a process, open a connection
};

struct Answer {
  Outcome outcome = Outcome::kAnswered;
  std::string message = {};  ///< one line, where it is no answer
  Value value = {};
  /// Of the arguments' floating-point tensors, in order; undefined: the results do not depend on it.
  std::vector<at::Tensor> gradients = {};
  bool differentiable = true;               ///< the results have a graph for autograd
  std::vector<int64_t> modified = {};       ///< arguments that the call changed
  double seconds = 0;                       ///< of processor time
  double megabytes = 0;                     ///< growth of the process's peak
  std::vector<std::string> operators = {};  ///< of torch, that the call ran: "aten::softmax"
};

class StudentProcess {
 public:
  /// `runner`: the program exercise_runner; `library`: the student's functions.
  StudentProcess(std::string runner, std::string library);
  ~StudentProcess();
  StudentProcess(const StudentProcess&) = delete;
  StudentProcess& operator=(const StudentProcess&) = delete;

  /// Starts the process where there is none. `seconds`: of processor time; of wall time six times that.
  Answer call(const Call& call, double seconds);
  /// What the student's code printed, at most the limit.
  const std::string& printed() const { return printed_; }
  /// How often the process had to be started again.
  int restarts() const { return starts_ - 1; }

 private:
  void start();
  void end();
  Answer failed(Outcome outcome, const std::string& message);
  Answer ended();
  double processor_seconds() const;
  Arrival wait_for_frame(double seconds);
  bool take_output();

  std::string runner_, library_, folder_, printed_;
  int starts_ = 0;
  pid_t child_ = -1;
  int requests_ = -1, answers_ = -1, output_ = -1;
  bool ready_ = false;
  std::unique_ptr<FrameReader> reader_ = {};
};

}  // namespace exercises
