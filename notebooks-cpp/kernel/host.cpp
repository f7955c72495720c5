// The process that runs a notebook's cells:  host MARK. It reads commands from stdin, a line each:
//   load LIBRARY      run LIBRARY FUNCTION      quit
// and writes the cells' output to stdout and stderr, with frames in between: MARK, kind, byte 1f,
// content, MARK. The kernel draws MARK by lot, so that no cell writes it by chance.
//
// A cell's function calls nb_cell_done() as its last step, which waits for the next cell: all cells
// of a notebook are one stack of calls, so that their variables live on where they are. An
// exception unwinds one cell and no more.
#include <cxxabi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>

namespace {

constexpr char kSeparator = '\x1f';
constexpr size_t kLargestBundle = 20'000'000;
constexpr size_t kStack = size_t{1} << 30;  // of address space; memory is taken as it is used

std::map<std::string, void*, std::less<>> variables;
std::FILE* commands = nullptr;
std::string mark;
// Frames have descriptors of their own: a cell may close or redirect its stdout.
int out_frames = -1, error_frames = -1;
pid_t process = 0;
pthread_t cell_thread;
std::atomic<bool> interrupted = false;
std::atomic<bool> in_cell = false;

/// Thrown where a cell writes after the user asked it to stop: it unwinds, and the notebook keeps
/// its variables.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether all of it was written: not if the file is closed, or full.
bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// std::cout: a line goes out when it is complete. Threads of a cell may write, too.
class Output final : public std::streambuf {
 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    const std::string_view all(text, static_cast<size_t>(size));
    const std::lock_guard lock(mutex_);
    waiting_ += all;
    if (all.find('\n') != std::string_view::npos || waiting_.size() > kMostWaiting) write_out();
    return size;
  }
  int_type overflow(int_type next) override {  // every single character, as there is no put area
    const char text = traits_type::to_char_type(next);
    if (!traits_type::eq_int_type(next, traits_type::eof())) xsputn(&text, 1);
    return traits_type::not_eof(next);
  }
  int sync() override {
    const std::lock_guard lock(mutex_);
    write_out();
    return 0;
  }

 private:
  void write_out() {
    write_all(1, waiting_);
    waiting_.clear();
    if (interrupted && in_cell && pthread_equal(pthread_self(), cell_thread)) {
      interrupted = false;
      throw Interrupted("stopped by you; the variables of earlier cells are as they were");
    }
  }

  static constexpr size_t kMostWaiting = 8192;
  std::mutex mutex_;
  std::string waiting_;
};

void flush_all() {
  in_cell = false;
  std::cout.clear();
  std::cout.flush();
  std::cerr.clear();
  std::cerr.flush();
  std::fflush(nullptr);
}

void frame(int file, std::string_view kind, std::string_view content) {
  std::string text = mark;
  text.append(kind).append(1, kSeparator).append(content).append(mark);
  if (!write_all(file, text)) _exit(3);
}

/// Ends a cell: both streams say so, because nobody knows which of them arrives first.
void report(std::string_view kind, const std::string& content) {
  if (getpid() != process) _exit(0);  // a cell forked: one process is the notebook
  flush_all();
  frame(error_frames, "end", "");
  frame(out_frames, kind, content);
}

void show(const char* bundle, size_t size) {
  std::cout.flush();
  std::fflush(stdout);
  if (size > kLargestBundle)
    std::cout << "(not shown: " << size << " bytes to display; at most " << kLargestBundle
              << " fit a notebook)" << std::endl;
  else
    frame(out_frames, "display", {bundle, size});
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

/// dlerror()'s text with the names that a C++ programmer wrote.
std::string loading_error() {
  std::string text = dlerror();
  constexpr std::string_view kMark = "undefined symbol: ";
  if (const size_t at = text.find(kMark); at != std::string::npos)
    return "declared, but defined nowhere: " + demangled(text.c_str() + at + kMark.size());
  return text;
}

void load(const std::string& library) {
  void* loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (loaded == nullptr)
    return report("failed", std::string("LoadError") + kSeparator + loading_error());
  using Sink = void (*)(const char*, size_t);
  if (auto* set_sink = reinterpret_cast<void (*)(Sink)>(dlsym(loaded, "nb_set_sink")))
    set_sink(show);
  report("done", "");
}

void run(const std::string& library, const std::string& function) {
  void* loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto* cell =
      loaded == nullptr ? nullptr : reinterpret_cast<void (*)()>(dlsym(loaded, function.c_str()));
  if (cell == nullptr)
    return report("failed", std::string("LinkError") + kSeparator + loading_error());
  dup2(out_frames, 1);  // an earlier cell may have closed or redirected them
  dup2(error_frames, 2);
  interrupted = false;
  in_cell = true;
  cell();  // returns if it threw; otherwise it ends in nb_cell_done()
}

void serve() {
  std::array<char, 8192> line = {};
  while (std::fgets(line.data(), line.size(), commands) != nullptr) {
    std::array<std::string, 3> words;
    size_t word = 0;
    for (const char* c = line.data(); *c != '\0' && *c != '\n'; ++c)
      *c == '\t' && word < 2 ? void(++word) : words[word].push_back(*c);
    if (words[0] == "load") load(words[1]);
    if (words[0] == "run") run(words[1], words[2]);
    if (words[0] == "quit") break;
  }
  flush_all();
  _exit(0);  // destructors of the cells' variables do not run: later ones may be gone already
}

}  // namespace

extern "C" {
void* nb_find(const char* slot) { return variables.find(slot)->second; }
void nb_keep(const char* slot, const char* text_with_type, void* address, size_t size) {
  variables[slot] = address;
  flush_all();
  frame(out_frames, "variable",
        std::string(slot) + kSeparator + std::to_string(size) + kSeparator + text_with_type);
}
void nb_cell_done() {
  report("done", "");
  serve();
}
void nb_cell_failed() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  std::string name = type == nullptr ? "exception" : demangled(type->name()), message;
  try {
    throw;
  } catch (const Interrupted& error) {
    name = "Interrupted";
    message = error.what();
  } catch (const std::exception& error) {
    message = error.what();
  } catch (const char* text) {
    message = text;
  } catch (const std::string& text) {
    message = text;
  } catch (int number) {
    message = std::to_string(number);
  } catch (...) {
    message = "it is no std::exception and carries no text";
  }
  report("failed", name + kSeparator + message.substr(0, message.find("\nException raised from")));
}
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  mark = arguments[1];
  process = getpid();
  commands = fdopen(fcntl(0, F_DUPFD_CLOEXEC, 3), "r");
  out_frames = fcntl(1, F_DUPFD_CLOEXEC, 3);
  error_frames = fcntl(2, F_DUPFD_CLOEXEC, 3);
  if (commands == nullptr || std::freopen("/dev/null", "r", stdin) == nullptr) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 14);
  static Output output;
  std::cout.rdbuf(&output);
  std::cout.exceptions(std::ios::badbit);  // or the stream would swallow Interrupted
  std::signal(SIGINT, [](int) { interrupted = true; });
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  const auto cells = [](void*) -> void* {
    serve();
    return nullptr;
  };
  if (pthread_create(&cell_thread, &attributes, cells, nullptr) != 0) return 2;
  // A kernel that was killed leaves nobody to end a cell that never ends.
  for (const pid_t kernel = getppid(); getppid() == kernel;) sleep(1);
  _exit(0);
}
