// From exceptions to one line and an exit code.
#include "app/run_app.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include "base/option_error.h"
#include "base/streams.h"

#if __has_include(<poll.h>)
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace zoo {
namespace {

constexpr int kFailed = 1, kUsage = 2, kReaderGone = 141;  // 141: as if SIGPIPE had ended us

// c10::Error is not named here, so that programs without torch can use this frame: its what() is
// the message, a newline and the backtrace.
std::string first_line(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "unknown error";
  text.remove_prefix(start);
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return std::string(text);
}

/// Words of libraries for what no check of ours has caught. LibTorch's for a failed allocation are
/// "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you
/// tried to allocate N bytes. Error code 12 (...)".
std::string in_plain_words(std::string line) {
  if (line.find("index out of range in self") != std::string::npos)
    return "an id lies outside a table of the model: tokenizer, input and model do not belong "
           "together";
  if (line.find("alloc_cpu") == std::string::npos) return line;
  constexpr std::string_view kAsked = "you tried to allocate ";
  std::string amount = "a block larger than any memory";
  if (const size_t at = line.find(kAsked); at != std::string::npos) {
    const size_t begin = at + kAsked.size();
    amount = line.substr(begin, line.find(" bytes", begin) - begin) + " bytes";
  }
  return "out of memory: " + amount + " at once; choose a smaller model, context or batch size";
}

int complain(std::string_view name, std::string_view what, int code) {
  std::cout.clear();
  write_to_stderr(std::string(name) + ": " + std::string(what) + "\n");
  return code;
}

bool reader_of_stdout_is_gone() {
#if __has_include(<poll.h>)
  pollfd stdout_state{1, POLLOUT, 0};
  return ::poll(&stdout_state, 1, 0) == 1 && (stdout_state.revents & POLLERR) != 0;
#else
  return false;
#endif
}

/// Output that failed: quiet where the reader left (`generate | head`), else a complaint.
int output_failed(std::string_view name) {
  if (reader_of_stdout_is_gone()) return kReaderGone;
  return complain(name, "cannot write to standard output: is the disk full?", kFailed);
}

int run_and_report(std::string_view name, const std::function<int()>& body) {
  try {
    const int code = body();
    std::cout.flush();
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? code : output_failed(name);
  } catch (const CLI::Success& text) {  // --help, --version
    std::cout << text.what() << std::flush;
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(name, first_line(error.what()) + ", see --help", kUsage);
  } catch (const UsageError& error) {
    return complain(name, first_line(error.what()), kUsage);
  } catch (const OptionError& error) {
    return complain(name, first_line(error.with_dashes()), kFailed);
  } catch (const std::ios_base::failure& error) {
    if (std::cout.bad()) return output_failed(name);
    return complain(name, first_line(error.what()), kFailed);
  } catch (const std::bad_alloc&) {
    return complain(name, "out of memory", kFailed);
  } catch (const std::length_error&) {  // of a container that was to be larger than any memory
    return complain(name, "out of memory: a size is larger than any memory", kFailed);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe) return kReaderGone;
    return complain(name, first_line(error.what()), kFailed);
  } catch (const std::exception& error) {
    return complain(name, in_plain_words(first_line(error.what())), kFailed);
  } catch (...) {
    return complain(name, "unknown error", kFailed);
  }
}

/// A program started with stderr closed (`2>&-`) would give its number to the next file it opens,
/// and complaints would land in there.
void open_closed_stderr() {
#if __has_include(<poll.h>)
  if (::fcntl(STDERR_FILENO, F_GETFD) != -1) return;
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere < 0 || nowhere == STDERR_FILENO) return;
  ::dup2(nowhere, STDERR_FILENO);
  ::close(nowhere);
#endif
}

/// What is freed stays with the program. glibc gives large blocks back to the system at once, and
/// every 4 KiB of the next tensor then cost a page fault.
void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kLargest = 1 << 30;
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that some versions take
  ::mallopt(M_MMAP_THRESHOLD, kLargest);
  ::mallopt(M_TRIM_THRESHOLD, kLargest);
#endif
}

}  // namespace

int run_app(std::string_view name, const std::function<int()>& body) {
#ifdef SIGPIPE
  // A closed pipe becomes a failed write, so that a run can still save what it has.
  std::signal(SIGPIPE, SIG_IGN);
#endif
  open_closed_stderr();
  keep_freed_memory();
  std::cout.exceptions(std::ios_base::badbit);
  int code = kFailed;
  try {
    code = run_and_report(name, body);
  } catch (const std::ios_base::failure&) {  // the help text found no reader
    code = output_failed(name);
  }
  std::cout.exceptions(std::ios_base::goodbit);
  return code;
}

}  // namespace zoo
