// Finds out that another process of the run is gone, hangs or has lost its link, and which.
//
// Every process writes a count to the shared keys a few times a second and reads that of the next
// rank: the work of each does not grow with the number of processes. Who finds a process silent
// writes one line that all read.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "train/processes/identity.h"
#include "train/processes/shared_keys.h"

namespace zoo {

struct WatchOptions {
  int64_t rank = 0;
  std::vector<ProcessIdentity> processes = {};  ///< all of the run, in the order of ranks
  std::chrono::milliseconds silence{30000};     ///< a process that is silent so long is lost
  std::string keeper = {};                      ///< who holds the keys, for messages
  std::string program = {};                     ///< before the line of a process that ends itself
};

class Watch {
  struct State;

 public:
  /// `keys`: a connection that nobody else uses.
  Watch(std::unique_ptr<SharedKeys> keys, WatchOptions options);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Throws ProcessLost if a process is lost.
  void check() const;
  bool is_lost() const;
  /// The same after a look at all, which takes a second at most.
  bool is_lost_now();
  /// After `reason`, an error of a connection: the line that names the process. Waits for it as
  /// long as it may take to find out.
  std::string explain(const std::string& reason);
  /// What waits for other processes, and ends when one is lost.
  struct Pending {
    virtual ~Pending() = default;
    /// Called once, from another thread or at once in end_with_fault().
    virtual void end(const std::string& line) = 0;
  };
  void end_with_fault(const std::shared_ptr<Pending>& pending);
  /// This process cannot continue: the others end with this line.
  void give_up(const std::string& line);
  /// Until all others have said goodbye; if one is lost, for so long at most.
  void wait_for_goodbyes(std::chrono::milliseconds if_lost);

  /// Says goodbye and watches no more: this process may end without being missed.
  void leave();

  /// While it lives, this process waits for others. If that lasts for seconds after a process was
  /// lost, it prints the line and ends: not every wait of torch's can be woken.
  class Waiting {
   public:
    explicit Waiting(Watch& watch);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    std::shared_ptr<State> state_;
  };

 private:
  std::shared_ptr<State> state_;
  std::thread beats_, guards_;
};

}  // namespace zoo
