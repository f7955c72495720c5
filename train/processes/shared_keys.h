// Keys and values that all processes of a run see.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace zoo {

/// One connection; a thread at a time uses it. Throws std::runtime_error if the process that holds
/// the keys is gone.
class SharedKeys {
 public:
  virtual ~SharedKeys() = default;
  virtual void set(const std::string& key, const std::string& value) = 0;
  /// Does not wait: nothing if nobody has set it.
  virtual std::optional<std::string> get(const std::string& key) = 0;
  /// Adds to a number that begins with 0; returns the sum.
  virtual int64_t add(const std::string& key, int64_t amount) = 0;
};

}  // namespace zoo
