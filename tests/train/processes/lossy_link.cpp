#include "tests/train/processes/lossy_link.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <vector>

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

/// A tunnel's end in a namespace: what is read from the file, the namespace has sent.
int open_end(const std::string& space, const std::string& name) {
  int end = -1;
  // A namespace belongs to a thread.
  std::thread([&] {
    const int there = ::open(("/var/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
    if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) return;
    ::close(there);
    end = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    ifreq request = {};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (end < 0 || ::ioctl(end, TUNSETIFF, &request) == 0) return;
    ::close(end);
    end = -1;
  }).join();
  return end;
}

struct Packet {
  Clock::time_point due;
  int to = 0;
  std::vector<char> bytes;
};

}  // namespace

LossyLink::LossyLink(const std::string& space, const std::string& other, const std::string& name,
                     std::chrono::microseconds delay, int64_t loses)
    : ends_{open_end(space, name), open_end(other, name)} {
  if (works()) carrier_ = std::thread([this, delay, loses] { carry(delay, loses); });
}

LossyLink::~LossyLink() {
  stop_ = true;
  if (carrier_.joinable()) carrier_.join();
  for (const int end : ends_)
    if (end >= 0) ::close(end);
}

void LossyLink::carry(std::chrono::microseconds delay, int64_t loses) {
  std::deque<Packet> under_way;  // the delay is the same for all: in the order of coming
  std::array<char, 1 << 16> buffer;
  while (!stop_) {
    std::array<pollfd, 2> ready = {pollfd{ends_[0], POLLIN, 0}, pollfd{ends_[1], POLLIN, 0}};
    ::poll(ready.data(), ready.size(), 1);
    for (const int from : {0, 1}) {
      ssize_t count = 0;
      while ((count = ::read(ends_[from], buffer.data(), buffer.size())) > 0) {
        if (++packets_ % loses == 0)
          ++lost_;
        else
          under_way.push_back(
              {Clock::now() + delay, 1 - from, {buffer.data(), buffer.data() + count}});
      }
    }
    while (!under_way.empty() && under_way.front().due <= Clock::now()) {
      const Packet& packet = under_way.front();
      // A full queue loses it, as a network would.
      if (::write(ends_[packet.to], packet.bytes.data(), packet.bytes.size()) < 0) ++lost_;
      under_way.pop_front();
    }
  }
}

}  // namespace zoo
