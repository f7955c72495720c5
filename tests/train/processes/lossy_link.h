// A link between two network namespaces that delays and loses packets; many kernels have no
// netem.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace zoo {

class LossyLink {
 public:
  /// A device `name` in each of two namespaces of `ip netns`; without addresses, and down. Of each
  /// `loses` packets one is lost.
  LossyLink(const std::string& space, const std::string& other, const std::string& name,
            std::chrono::microseconds delay, int64_t loses);
  ~LossyLink();
  LossyLink(const LossyLink&) = delete;
  LossyLink& operator=(const LossyLink&) = delete;

  /// Whether the devices could be made: that needs /dev/net/tun and root's rights.
  bool works() const { return ends_[0] >= 0 && ends_[1] >= 0; }
  int64_t packets() const { return packets_; }
  int64_t lost() const { return lost_; }

 private:
  void carry(std::chrono::microseconds delay, int64_t loses);

  int ends_[2] = {-1, -1};
  std::atomic<int64_t> packets_ = 0, lost_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread carrier_;
};

}  // namespace zoo
