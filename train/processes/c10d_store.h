// SharedKeys on torch's TCPStore: a server in one process, a connection from each.
#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "train/processes/shared_keys.h"

namespace zoo {

/// Where the keys are.
struct StoreAddress {
  std::string host;
  int port = 0;
  bool hold = false;  ///< the server is in this process
};

class C10dStore final : public SharedKeys {
 public:
  /// Waits until the server is there. Throws std::runtime_error if it is not within `timeout`, or
  /// if the port is taken.
  C10dStore(const StoreAddress& address, std::chrono::milliseconds timeout);
  void set(const std::string& key, const std::string& value) override;
  std::optional<std::string> get(const std::string& key) override;
  int64_t add(const std::string& key, int64_t amount) override;
  /// The same connection with a word before every key.
  std::unique_ptr<C10dStore> with_prefix(const std::string& prefix) const;
  /// For process groups.
  c10::intrusive_ptr<c10d::Store> store() const { return store_; }

 private:
  explicit C10dStore(c10::intrusive_ptr<c10d::Store> store) : store_(std::move(store)) {}
  c10::intrusive_ptr<c10d::Store> store_;
};

}  // namespace zoo
