#include "train/processes/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/streams.h"
#include "train/processes/leave.h"
#include "train/processes/process_error.h"

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{100};
constexpr milliseconds kQuick{1000};
constexpr milliseconds kGrace{3000};  // for the thread that trains to end by itself

std::string key(const char* what, int64_t rank) { return fmt::format("{}/{}", what, rank); }

std::string silent(const std::string& name, milliseconds time) {
  return fmt::format(
      "{} has sent no sign of life for {:g} s: it hangs, is stopped, or its link is down", name,
      std::chrono::duration<double>(time).count());
}

std::string ended(const std::string& name) {
  return name + " has ended without a word: it was killed, or crashed";
}

}  // namespace

/// Shared by the threads: one that waits for an answer may outlive the Watch.
struct Watch::State {
  State(std::unique_ptr<SharedKeys> shared, WatchOptions given)
      : keys(std::move(shared)),
        options(std::move(given)),
        period(std::clamp(options.silence / 10, milliseconds(50), milliseconds(1000))),
        watched(options.rank),
        gone(options.processes.size(), false) {
    gone[static_cast<size_t>(options.rank)] = true;
  }

  // The thread that beats: it alone uses the keys.
  void beat();
  void round();
  void read_fault();
  void look_at_next();
  void look_at_all();
  bool has_left(int64_t rank);
  void tell_all(const std::string& line);
  // The thread that guards, because the other may wait for an answer.
  void guard();
  // Any thread.
  void found(const std::string& line);

  const std::unique_ptr<SharedKeys> keys;
  const WatchOptions options;
  const milliseconds period;
  std::atomic<int> waiting = 0;

  std::mutex mutex;  // for these
  std::condition_variable changed;
  std::string fault, farewell;
  std::vector<std::weak_ptr<Pending>> pending;
  size_t most_pending = 64;  // then those that have ended are forgotten
  Clock::time_point answered = Clock::now(), fault_at = {};
  bool hurry = false, leaving = false, finished = false, all_left = false, guarded = true,
       impatient = false;

  int64_t count = 0, watched;  // of the thread that beats
  std::string last_seen;
  Clock::time_point seen_at = Clock::now();
  std::vector<bool> gone;
};

void Watch::State::found(const std::string& line) {
  std::vector<std::weak_ptr<Pending>> waiting_ones;
  {
    const std::lock_guard lock(mutex);
    if (!fault.empty()) return;
    fault = line;
    fault_at = Clock::now();
    waiting_ones.swap(pending);
  }
  changed.notify_all();
  for (const auto& one : waiting_ones)
    if (const auto alive = one.lock()) alive->end(line);
}

void Watch::State::beat() {
  try {
    bool more = true;
    while (more) {
      bool last = false;
      {
        const std::lock_guard lock(mutex);
        last = leaving;
      }
      round();
      std::unique_lock lock(mutex);
      answered = Clock::now();
      more = !last;
      if (more) changed.wait_for(lock, impatient ? kTick / 5 : period, [&] { return hurry; });
      hurry = false;
    }
  } catch (const std::exception&) {
    bool missed = false;
    {
      const std::lock_guard lock(mutex);
      missed = !leaving;
    }
    if (missed) found(options.keeper + " has ended, or the link to it is lost");
  }
  const std::lock_guard lock(mutex);
  finished = true;
  changed.notify_all();
}

void Watch::State::round() {
  std::string line;
  bool last = false;
  {
    const std::lock_guard lock(mutex);
    line = farewell;
    last = leaving;
  }
  keys->set(key("beat", options.rank), std::to_string(++count));
  if (!line.empty()) tell_all(line);
  if (last) return keys->set(key("bye", options.rank), "");
  read_fault();
  look_at_all();
  look_at_next();
}

/// The first line holds.
void Watch::State::tell_all(const std::string& line) {
  if (keys->add("faults", 1) == 1) keys->set("fault", line);
}

void Watch::State::read_fault() {
  if (const auto line = keys->get("fault")) found(*line);
}

bool Watch::State::has_left(int64_t rank) {
  const auto i = static_cast<size_t>(rank);
  if (!gone[i]) gone[i] = keys->get(key("bye", rank)).has_value();
  return gone[i];
}

/// The next rank that has not left: a silent one is lost.
void Watch::State::look_at_next() {
  const auto size = static_cast<int64_t>(options.processes.size());
  int64_t next = (options.rank + 1) % size;
  while (next != options.rank && has_left(next)) next = (next + 1) % size;
  if (next == options.rank) {
    const std::lock_guard lock(mutex);
    all_left = true;
    changed.notify_all();
    return;
  }
  const auto seen = keys->get(key("beat", next)).value_or("");
  const auto now = Clock::now();
  if (next != watched || seen != last_seen) {
    watched = next;
    last_seen = seen;
    seen_at = now;
  }
  if (now - seen_at < options.silence) return;
  const auto line = silent(options.processes[static_cast<size_t>(next)].name(), options.silence);
  tell_all(line);
  read_fault();
}

/// Those whose end this machine knows.
void Watch::State::look_at_all() {
  const auto& own = options.processes[static_cast<size_t>(options.rank)];
  for (const auto& process : options.processes) {
    if (gone[static_cast<size_t>(process.rank)] || !has_ended(process, own)) continue;
    if (has_left(process.rank)) continue;
    gone[static_cast<size_t>(process.rank)] = true;
    tell_all(ended(process.name()));
    read_fault();
  }
}

void Watch::State::guard() {
  auto tick = Clock::now();
  std::unique_lock lock(mutex);
  while (guarded) {
    changed.wait_for(lock, kTick, [&] { return !guarded; });
    const auto now = Clock::now();
    // This process itself was stopped: it has not waited for an answer.
    if (now - tick > 5 * kTick) answered = std::max(answered, now);
    tick = now;
    if (!leaving && fault.empty() && now - answered > options.silence) {
      lock.unlock();
      found(silent(options.keeper, options.silence));
      lock.lock();
    }
    if (!fault.empty() && waiting > 0 && now - fault_at > kGrace) {
      write_to_stderr(fmt::format("{}: {}\n", options.program, fault));
      leave_at_once(1);
    }
  }
}

Watch::Watch(std::unique_ptr<SharedKeys> keys, WatchOptions options)
    : state_(std::make_shared<State>(std::move(keys), std::move(options))) {
  beats_ = std::thread([state = state_] { state->beat(); });
  guards_ = std::thread([state = state_] { state->guard(); });
}

Watch::~Watch() { leave(); }

void Watch::leave() {
  if (!guards_.joinable()) return;
  bool finished = false;
  {
    std::unique_lock lock(state_->mutex);
    state_->leaving = state_->hurry = true;
    state_->guarded = false;
    state_->changed.notify_all();
    finished = state_->changed.wait_for(lock, kQuick, [&] { return state_->finished; });
  }
  guards_.join();
  // A thread that waits for a stopped keeper of the keys does not come.
  if (finished)
    beats_.join();
  else
    beats_.detach();
}

void Watch::check() const {
  const std::lock_guard lock(state_->mutex);
  if (!state_->fault.empty()) throw ProcessLost(state_->fault);
}

bool Watch::is_lost() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->fault.empty();
}

bool Watch::is_lost_now() {
  std::unique_lock lock(state_->mutex);
  state_->hurry = true;
  state_->changed.notify_all();
  return state_->changed.wait_for(lock, kQuick, [&] { return !state_->fault.empty(); });
}

void Watch::end_with_fault(const std::shared_ptr<Pending>& pending) {
  std::string line;
  {
    const std::lock_guard lock(state_->mutex);
    line = state_->fault;
    auto& all = state_->pending;
    if (line.empty()) all.emplace_back(pending);
    if (all.size() > state_->most_pending) {
      std::erase_if(all, [](const auto& one) { return one.expired(); });
      state_->most_pending = std::max<size_t>(64, 2 * all.size());
    }
  }
  if (!line.empty()) pending->end(line);
}

std::string Watch::explain(const std::string& reason) {
  const auto& processes = state_->options.processes;
  const auto known = [&] { return !state_->fault.empty(); };
  const bool lost = is_lost_now();
  std::unique_lock lock(state_->mutex);
  if (lost) return state_->fault;
  // "... Connection closed by peer [192.168.0.7]:41234"
  std::vector<std::string> names;
  for (const auto& process : processes)
    if (reason.find("[" + process.address + "]") != std::string::npos)
      names.push_back(process.name());
  if (names.size() == 1) return names.front() + " has closed the connection";
  if (state_->changed.wait_for(lock, state_->options.silence + 2 * state_->period, known))
    return state_->fault;
  return "the connection to another process is lost: " + reason;
}

void Watch::give_up(const std::string& line) {
  std::unique_lock lock(state_->mutex);
  state_->farewell = line;
  state_->hurry = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kQuick,
                           [&] { return !state_->fault.empty() || state_->finished; });
}

void Watch::wait_for_goodbyes(milliseconds if_lost) {
  std::unique_lock lock(state_->mutex);
  state_->impatient = state_->hurry = true;
  state_->changed.notify_all();
  const auto left = [&] { return state_->all_left || state_->finished; };
  state_->changed.wait(lock, [&] { return left() || !state_->fault.empty(); });
  state_->changed.wait_for(lock, if_lost, left);
}

Watch::Waiting::Waiting(Watch& watch) : state_(watch.state_) { ++state_->waiting; }
Watch::Waiting::~Waiting() { --state_->waiting; }

}  // namespace zoo
