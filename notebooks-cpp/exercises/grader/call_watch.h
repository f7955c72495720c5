// What a call costs, and which torch operators it runs.
#pragma once
#include <string>
#include <vector>

namespace exercises {

struct CallCost {
  double seconds = 0;    ///< of processor time
  double megabytes = 0;  ///< growth of the process's peak
  /// "aten::softmax": however the call reaches them, by name, in a module, as TorchScript.
  std::vector<std::string> operators = {};
};

/// Watches from its construction to end(); one at a time.
class CallWatch {
 public:
  /// Once, before the process is contained.
  static void prepare();
  CallWatch();
  CallCost end();

 private:
  double seconds_ = 0, megabytes_ = 0;
};

}  // namespace exercises
