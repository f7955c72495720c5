// The machine behind block.h: runs the threads of a block as coroutines, and watches what they do.
#pragma once
#include <ucontext.h>

#include <array>
#include <exception>
#include <memory>

#include "notebooks-cpp/exercises/32_fused_kernel/block.h"

namespace gpu {

class Machine {
 public:
  /// `backwards`: the last thread goes first, so that results that depend on the order differ.
  Machine(int64_t threads, int64_t shared, bool backwards)
      : threads_(threads), backwards_(backwards), memory_(1) {
    memory_[0].name = "shared memory";
    memory_[0].numbers.resize(static_cast<size_t>(shared));
  }

  Array add(std::string name, std::vector<float> numbers) {
    memory_.push_back({std::move(name), std::move(numbers)});
    return {this, memory_.size() - 1, 0};
  }
  const std::vector<float>& numbers(const Array& array) const {
    return memory_[array.which_].numbers;
  }
  /// The first trouble of the worst kind, in one line; empty: none.
  std::string trouble() const {
    for (const std::string& text : troubles_)
      if (!text.empty()) return text;
    return {};
  }

  using Kernel = std::function<void(Block&)>;
  void run(int64_t blocks, const Kernel& kernel) {
    for (int64_t index = 0; index < blocks; ++index) run_block(index, kernel);
  }

  float read(size_t which, int64_t n) {
    Memory& memory = memory_[which];
    if (outside(memory, n)) return kUnknown;
    if (which != 0) return memory.numbers[static_cast<size_t>(n)];
    Access& access = accesses_[static_cast<size_t>(n)];
    access.reader = access.read == epoch_ && access.reader != now_ ? kSeveral : now_;
    access.read = epoch_;
    if (access.written < 0) {
      report(kUnwritten, "thread " + name() + " reads shared[" + std::to_string(n) +
                             "], which nobody has written");
      return kUnknown;
    }
    if (access.written == epoch_ && access.writer != now_)
      race("reads", n, "writes", access.writer);
    return memory.numbers[static_cast<size_t>(n)];
  }

  void write(size_t which, int64_t n, float x) {
    Memory& memory = memory_[which];
    if (outside(memory, n)) return;
    memory.numbers[static_cast<size_t>(n)] = x;
    if (which != 0) return;
    Access& access = accesses_[static_cast<size_t>(n)];
    if (access.read == epoch_ && access.reader != now_) race("writes", n, "reads", access.reader);
    if (access.written == epoch_ && access.writer != now_)
      race("writes", n, "writes", access.writer);
    access.written = epoch_;
    access.writer = now_;
  }

  void sync(int line) {
    Thread& thread = coroutines_[static_cast<size_t>(now_)];
    thread.waits_at = line;
    swapcontext(&thread.context, &scheduler_);
  }

 private:
  static constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  static constexpr int64_t kSeveral = -2;
  static constexpr size_t kStack = size_t{64} << 10;

  /// The worst first: it is told.
  enum Trouble { kApart, kOutside, kRace, kUnwritten };
  struct Memory {
    std::string name = {};
    std::vector<float> numbers = {};
  };
  /// Who last handled a number of shared memory, and after how many barriers.
  struct Access {
    int64_t writer = -1, written = -1, reader = -1, read = -1;
  };
  struct Thread {
    ucontext_t context = {};
    std::vector<char> stack = {};
    std::exception_ptr error = {};
    bool ended = false;
    int waits_at = 0;
  };

  std::string name() const { return std::to_string(now_); }
  void report(Trouble kind, const std::string& text) {
    if (troubles_.at(kind).empty()) troubles_.at(kind) = text;
  }
  bool outside(const Memory& memory, int64_t n) {
    const auto size = static_cast<int64_t>(memory.numbers.size());
    if (n >= 0 && n < size) return false;
    report(kOutside, "thread " + name() + " leaves its array: number " + std::to_string(n) +
                         " of " + memory.name + ", which has " + std::to_string(size));
    return true;
  }
  void race(const char* does, int64_t n, const char* other_does, int64_t other) {
    report(kRace, "no barrier between two threads: thread " + name() + " " + does + " shared[" +
                      std::to_string(n) + "], " +
                      (other == kSeveral ? "other threads read"
                                         : "thread " + std::to_string(other) + " " + other_does) +
                      " it");
  }

  static void enter(unsigned high, unsigned low) {
    auto* machine = reinterpret_cast<Machine*>(static_cast<uintptr_t>(high) << 32 |
                                               static_cast<uintptr_t>(low));
    machine->body();
  }
  void body() {
    const auto number = static_cast<size_t>(now_);
    try {
      Block block(this, index_, now_, threads_);
      (*kernel_)(block);
    } catch (...) {
      coroutines_[number].error = std::current_exception();
    }
    coroutines_[number].ended = true;
    swapcontext(&coroutines_[number].context, &scheduler_);  // never comes back
  }

  void start(Thread& thread) {
    thread.stack.resize(kStack);
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = thread.stack.size();
    thread.context.uc_link = nullptr;
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(&thread.context, reinterpret_cast<void (*)()>(&enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
  }

  void run_block(int64_t index, const Kernel& kernel) {
    index_ = index;
    kernel_ = &kernel;
    epoch_ = 0;
    accesses_.assign(memory_[0].numbers.size(), {});
    coroutines_ = std::vector<Thread>(static_cast<size_t>(threads_));
    for (Thread& thread : coroutines_) start(thread);
    while (advance()) ++epoch_;
  }

  /// Each thread runs to its next barrier or its end. False: all have ended.
  bool advance() {
    int64_t ended = -1, waiting = -1;
    for (int64_t n = 0; n < threads_; ++n) {
      now_ = backwards_ ? threads_ - 1 - n : n;
      Thread& thread = coroutines_[static_cast<size_t>(now_)];
      if (!thread.ended) swapcontext(&scheduler_, &thread.context);
      if (thread.error) std::rethrow_exception(thread.error);
      if (!thread.ended && waiting >= 0 &&
          coroutines_[static_cast<size_t>(waiting)].waits_at != thread.waits_at)
        report(kApart, "threads " + std::to_string(waiting) + " and " + name() +
                           " wait at different barriers");
      (thread.ended ? ended : waiting) = now_;
    }
    if (ended >= 0 && waiting >= 0)
      report(kApart, "thread " + std::to_string(waiting) + " waits at a barrier to which thread " +
                         std::to_string(ended) + " never comes");
    return waiting >= 0;
  }

  int64_t threads_;
  bool backwards_;
  std::vector<Memory> memory_;  // the first one is shared
  std::vector<Access> accesses_ = {};
  std::vector<Thread> coroutines_ = {};
  ucontext_t scheduler_ = {};
  const Kernel* kernel_ = nullptr;
  int64_t index_ = 0, now_ = 0, epoch_ = 0;
  std::array<std::string, 4> troubles_ = {};
};

}  // namespace gpu
