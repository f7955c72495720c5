// Converts errors of libpng and libjpeg, which call longjmp, to exceptions.
#pragma once
#include <algorithm>
#include <array>
#include <csetjmp>
#include <stdexcept>
#include <string_view>

namespace zoo::detail {

class JumpGuard {
 public:
  /// Runs `step`, which calls the library and must own nothing: a jump skips destructors. Throws
  /// std::runtime_error with the message given to fail().
  template <class Step>
  void run(const Step& step) {
    if (setjmp(place_) != 0) throw std::runtime_error(why_.data());
    step();
  }

  /// To be called by the library's error handler. The two texts form one message.
  [[noreturn]] void fail(std::string_view what, std::string_view why = {}) {
    size_t size = 0;
    for (const auto part : {what, why}) {
      const size_t fits = std::min(part.size(), why_.size() - 1 - size);
      std::copy_n(part.begin(), fits, why_.begin() + size);
      size += fits;
    }
    why_[size] = '\0';
    std::longjmp(place_, 1);
  }

 private:
  std::jmp_buf place_ = {};
  std::array<char, 300> why_ = {};
};

}  // namespace zoo::detail
