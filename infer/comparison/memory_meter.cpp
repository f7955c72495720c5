// torch's allocator on the CPU with a counter around it, and operator new with the same; the
// allocators of devices keep count themselves.
#include "infer/comparison/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ZOO_OWN_NEW 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZOO_OWN_NEW 0
#endif
#endif
#if !defined(ZOO_OWN_NEW) && defined(__GLIBC__)
#define ZOO_OWN_NEW 1
#endif

namespace zoo {
namespace {

std::atomic<bool> counting{false};
std::atomic<int64_t> held{0}, most{0};

void count(int64_t bytes) {
  if (!counting.load(std::memory_order_relaxed)) return;
  const int64_t now = held.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t before = most.load(std::memory_order_relaxed);
  while (now > before && !most.compare_exchange_weak(before, now)) {
  }
}

#if defined(__GLIBC__)
int64_t size_of(void* memory) { return static_cast<int64_t>(::malloc_usable_size(memory)); }
#else
int64_t size_of(void*) { return 0; }
#endif

/// Hands out torch's own blocks, whose deleter is replaced: torch insists that a block is its own
/// context.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* inner) : inner_(inner) {
    deleter_ = inner->raw_deleter();
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* const memory = inner_->raw_allocate(bytes);
    count(size_of(memory));
    return {memory, memory, &CountingAllocator::free, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    inner_->copy_data(to, from, bytes);
  }

 private:
  static void free(void* memory) {
    if (memory == nullptr) return;
    count(-size_of(memory));
    deleter_(memory);
  }
  static inline c10::DeleterFnPtr deleter_ = nullptr;
  c10::Allocator* inner_;
};

/// Bytes of tensors on a device, now or at most.
c10::CachingAllocator::Stat bytes_on(c10::Device device) {
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
}

}  // namespace

MemoryMeter::MemoryMeter(c10::Device device) : device_(device) {
  if (!device.is_cpu()) {
    c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
    before_ = bytes_on(device).current;
    return;
  }
  // Never removed: tensors allocated meanwhile must be freed by it.
  static CountingAllocator allocator(c10::GetAllocator(c10::DeviceType::CPU));
  [[maybe_unused]] static const bool installed = [] {
    c10::SetAllocator(c10::DeviceType::CPU, &allocator, /*priority=*/1);
    return true;
  }();
  held = 0;
  most = 0;
  counting = true;
}

MemoryMeter::~MemoryMeter() { counting = false; }

int64_t MemoryMeter::peak() const {
  return device_.is_cpu() ? most.load() : bytes_on(device_).peak - before_;
}

}  // namespace zoo

#if ZOO_OWN_NEW
// The forms without alignment; new[] and the others of the standard library end in these.
void* operator new(size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  zoo::count(zoo::size_of(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  zoo::count(-zoo::size_of(memory));
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
#endif
