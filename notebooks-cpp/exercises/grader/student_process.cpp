#include "notebooks-cpp/exercises/grader/student_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace exercises {
namespace {

constexpr size_t kMostOutput = 64 * 1024;
constexpr double kStartSeconds = 30;
constexpr double kWallFactor = 6;  // for code that sleeps, and for machines with much else to do

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
  return ends;
}

/// Descriptors that the runner expects: 0 empty, 1 and 2 output, 3 requests, 4 answers.
[[noreturn]] void run_child(const std::string& runner, const std::string& library,
                            const std::string& folder, int requests, int answers, int output) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int empty = open("/dev/null", O_RDONLY);
  // First above the numbers that they will have, then down to them.
  const int high[] = {fcntl(empty, F_DUPFD, 20), fcntl(output, F_DUPFD, 20),
                      fcntl(requests, F_DUPFD, 20), fcntl(answers, F_DUPFD, 20)};
  dup2(high[0], 0), dup2(high[1], 1), dup2(high[1], 2), dup2(high[2], 3), dup2(high[3], 4);
  for (const int descriptor : high) close(descriptor);
  if (chdir(folder.c_str()) != 0) _exit(126);
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("MKL_NUM_THREADS", "1", 1);
  execl(runner.c_str(), runner.c_str(), library.c_str(), nullptr);
  _exit(127);
}

std::string signal_text(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "it read or wrote memory that is not its own (segmentation fault)";
    case SIGABRT:
      return "it was aborted: a failed assert, a damaged heap, or an exception nobody caught";
    case SIGFPE:
      return "it divided an integer by zero";
    case SIGXFSZ:
      return "it wrote a file larger than 1 MB";
    case SIGXCPU:
      return "it used more processor time than all checks may take";
    case SIGSYS:
      return "it asked the system for something that exercises may not do";
    case SIGKILL:
      return "it was killed, probably for its memory";
    default:
      return fmt::format("it was ended by signal {} ({})", signal, strsignal(signal));
  }
}

Outcome outcome_of(const std::string& status) {
  if (status == "answer") return Outcome::kAnswered;
  if (status == "not done") return Outcome::kNotDone;
  if (status == "memory") return Outcome::kOutOfMemory;
  if (status == "forbidden") return Outcome::kForbidden;
  return Outcome::kThrew;
}

Answer answer_from(const Value& frame) {
  const auto& fields = frame.toTupleRef().elements();
  Answer answer;
  answer.outcome = outcome_of(fields.at(0).toStringRef());
  answer.message = fields.at(1).toStringRef();
  answer.value = fields.at(2);
  for (const auto& gradient : fields.at(3).toTupleRef().elements())
    answer.gradients.push_back(gradient.isTensor() ? gradient.toTensor() : at::Tensor());
  answer.modified = fields.at(4).toIntVector();
  answer.seconds = fields.at(5).toDouble();
  answer.megabytes = fields.at(6).toDouble();
  answer.differentiable = fields.at(7).toBool();
  for (const auto& name : fields.at(8).toListRef()) answer.operators.push_back(name.toStringRef());
  return answer;
}

}  // namespace

StudentProcess::StudentProcess(std::string runner, std::string library)
    : runner_(std::move(runner)), library_(std::move(library)) {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the student's code leaves behind is ended here
}

StudentProcess::~StudentProcess() { end(); }

void StudentProcess::start() {
  std::string pattern = (std::filesystem::temp_directory_path() / "exercise-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no folder for the exercise: " + pattern);
  folder_ = pattern;
  const auto requests = make_pipe(), answers = make_pipe(), output = make_pipe();
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("no process can be started");
  if (child_ == 0) run_child(runner_, library_, folder_, requests[0], answers[1], output[1]);
  close(requests[0]), close(answers[1]), close(output[1]);
  requests_ = requests[1], answers_ = answers[0], output_ = output[0];
  fcntl(answers_, F_SETFL, O_NONBLOCK);
  fcntl(output_, F_SETFL, O_NONBLOCK);
  reader_ = std::make_unique<FrameReader>(answers_);
  ready_ = false;
  ++starts_;
}

void StudentProcess::end() {
  if (child_ < 0) return;
  kill(-child_, SIGKILL);
  kill(child_, SIGKILL);
  while (waitpid(-1, nullptr, WNOHANG) > 0 || (waitpid(child_, nullptr, 0) < 0 && errno == EINTR)) {
  }
  for (int* descriptor : {&requests_, &answers_, &output_}) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
  }
  child_ = -1;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

/// False: it printed too much.
bool StudentProcess::take_output() {
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(output_, buffer.data(), buffer.size())) > 0;) {
    printed_.append(buffer.data(), static_cast<size_t>(count));
    if (printed_.size() > kMostOutput) {
      printed_.resize(kMostOutput);
      return false;
    }
  }
  return true;
}

Answer StudentProcess::failed(Outcome outcome, const std::string& message) {
  end();
  Answer answer;
  answer.outcome = outcome;
  answer.message = message;
  return answer;
}

/// Why the process is gone.
Answer StudentProcess::ended() {
  take_output();
  int status = 0;
  for (int n = 0; n < 100 && waitpid(child_, &status, WNOHANG) == 0; ++n) usleep(10'000);
  const bool exited = WIFEXITED(status);
  const int code = exited ? WEXITSTATUS(status) : WTERMSIG(status);
  if (exited && !ready_) return failed(Outcome::kCrashed, "its library could not be loaded");
  if (exited)
    return failed(Outcome::kExited, fmt::format("it ended the program (exit code {})", code));
  return failed(Outcome::kCrashed, signal_text(code));
}

/// Processor time that the child has used; a busy machine does not make a student's code slower.
double StudentProcess::processor_seconds() const {
  std::ifstream stat(fmt::format("/proc/{}/stat", child_));
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int n = 0; n < 11; ++n) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Arrival StudentProcess::wait_for_frame(double seconds) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(kWallFactor * seconds);
  const double begin = processor_seconds();
  while (Clock::now() < deadline && processor_seconds() - begin < seconds) {
    pollfd watched[] = {{answers_, POLLIN, 0}, {output_, POLLIN, 0}};
    if (poll(watched, 2, 50) < 0 && errno != EINTR) return Arrival::kEnd;
    if (!take_output()) throw std::length_error("output");
    if (watched[0].revents == 0) continue;
    if (const auto arrival = reader_->read_some()) return *arrival;
  }
  return Arrival::kTimeout;
}

Answer StudentProcess::call(const Call& call, double seconds) try {
  if (child_ < 0) start();
  if (!ready_) {
    const auto arrival = wait_for_frame(kStartSeconds);
    if (arrival == Arrival::kTimeout)
      return failed(Outcome::kTimeout,
                    "loading it takes more than 30 s: a loop in a global's initial value?");
    if (arrival == Arrival::kEnd) return ended();
    ready_ = true;
    const auto answer = answer_from(reader_->take());
    if (answer.outcome != Outcome::kAnswered) return failed(answer.outcome, answer.message);
  }
  std::vector<Value> arguments(call.arguments.begin(), call.arguments.end());
  std::vector<Value> upstream(call.upstream.begin(), call.upstream.end());
  write_frame(requests_, c10::ivalue::Tuple::create(
                             {call.function, c10::ivalue::Tuple::create(std::move(arguments)),
                              c10::ivalue::Tuple::create(std::move(upstream))}));
  switch (wait_for_frame(seconds)) {
    case Arrival::kTimeout:
      return failed(
          Outcome::kTimeout,
          fmt::format("no answer within {:.3g} s of processor time: does a loop end?", seconds));
    case Arrival::kEnd:
      return ended();
    case Arrival::kFrame:
      break;
  }
  const auto answer = answer_from(reader_->take());
  if (answer.outcome == Outcome::kForbidden) end();
  return answer;
} catch (const std::length_error&) {
  return failed(Outcome::kOutput, "it printed more than 64 KB");
} catch (const std::exception&) {  // a pipe that closed, a frame that is none
  return child_ < 0 ? failed(Outcome::kCrashed, "its process could not be started") : ended();
}

}  // namespace exercises
