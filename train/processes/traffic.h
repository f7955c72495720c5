// What the exchange between processes costs.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

#include "train/loop/processes.h"

namespace zoo {

class TrafficMeter {
 public:
  using Clock = std::chrono::steady_clock;
  void count(int64_t bytes) { bytes_ += bytes; }
  void waited_since(Clock::time_point start) {
    nanoseconds_ +=
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
  }
  ProcessTraffic read() const {
    return {.seconds_waited = static_cast<double>(nanoseconds_) * 1e-9, .bytes = bytes_};
  }

 private:
  std::atomic<int64_t> bytes_ = 0, nanoseconds_ = 0;
};

}  // namespace zoo
