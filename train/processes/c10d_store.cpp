#include "train/processes/c10d_store.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <stdexcept>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace zoo {
namespace {

std::string first_line(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

c10::intrusive_ptr<c10d::Store> connect(const StoreAddress& address,
                                        std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(address.port);
  options.isServer = address.hold;
  options.waitWorkers = false;
  options.timeout = timeout;
  try {
    return c10::make_intrusive<c10d::TCPStore>(address.host, options);
  } catch (const c10::Error& error) {
    const std::string reason = first_line(error);
    if (reason.find("EADDRINUSE") != std::string::npos)
      throw std::runtime_error(
          fmt::format("port {0} is taken: another run, or another program, uses it; choose one "
                      "with MASTER_PORT (torchrun --master-port)",
                      address.port));
    if (address.hold)
      throw std::runtime_error(fmt::format("cannot listen on port {}: {}", address.port, reason));
    throw std::runtime_error(
        fmt::format("process 0 does not answer at {}:{} for {} s: start it, or correct MASTER_ADDR "
                    "and MASTER_PORT",
                    address.host, address.port,
                    std::chrono::duration_cast<std::chrono::seconds>(timeout).count()));
  }
}

/// What the connection to the process with the keys gives.
template <class Call>
auto ask(Call&& call) {
  try {
    return call();
  } catch (const c10::Error& error) {
    throw std::runtime_error("the connection to process 0 is lost: " + first_line(error));
  }
}

}  // namespace

C10dStore::C10dStore(const StoreAddress& address, std::chrono::milliseconds timeout)
    : store_(connect(address, timeout)) {}

std::unique_ptr<C10dStore> C10dStore::with_prefix(const std::string& prefix) const {
  return std::unique_ptr<C10dStore>(
      new C10dStore(c10::make_intrusive<c10d::PrefixStore>(prefix, store_)));
}

// A letter before each value: an empty text is a value, too.
void C10dStore::set(const std::string& key, const std::string& value) {
  ask([&] { store_->set(key, "=" + value); });
}

std::optional<std::string> C10dStore::get(const std::string& key) {
  return ask([&]() -> std::optional<std::string> {
    if (!store_->check({key})) return std::nullopt;
    return store_->get_to_str(key).substr(1);
  });
}

int64_t C10dStore::add(const std::string& key, int64_t amount) {
  return ask([&] { return store_->add(key, amount); });
}

}  // namespace zoo
