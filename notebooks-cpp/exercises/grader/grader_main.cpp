// exercise_grader EXERCISE LIBRARY: grades the functions in LIBRARY and writes the result as JSON.
// notebooks-cpp/exercises/grader/grade.py compiles, calls this, and shows what it says.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "notebooks-cpp/exercises/grader/grade.h"

namespace exercises {
namespace {

constexpr const char* kStates[] = {"not started", "not reached", "pass",
                                   "fail",        "timeout",     "crash"};
constexpr const char* kKinds[] = {"shape", "values", "gradients", "odd sizes", "side effects"};

nlohmann::json to_json(const Grade& grade) {
  auto checks = nlohmann::json::array();
  for (const auto& check : grade.checks)
    checks.push_back({{"part", check.part},
                      {"title", check.title},
                      {"kind", kKinds[static_cast<size_t>(check.kind)]},
                      {"state", kStates[static_cast<size_t>(check.state)]},
                      {"marks", check.marks},
                      {"of", check.of},
                      {"probe", check.probe},
                      {"message", check.message},
                      {"where", check.where},
                      {"expected", check.expected},
                      {"got", check.got}});
  return {{"marks", grade.marks},
          {"of", grade.of},
          {"checks", checks},
          {"misconceptions", grade.diagnosis.faults},
          {"seen", grade.diagnosis.seen},
          {"printed", grade.printed},
          {"operators", grade.operators},
          {"seconds", grade.seconds}};
}

}  // namespace
}  // namespace exercises

int main(int argc, char** argv) try {
  if (argc != 3) {
    fmt::print(stderr, "usage: exercise_grader EXERCISE LIBRARY\n");
    return 2;
  }
  prctl(PR_SET_DUMPABLE, 0);  // its memory holds the right answers: nobody else may read it
  const auto runner =
      std::filesystem::canonical("/proc/self/exe").parent_path() / "exercise_runner";
  exercises::StudentProcess student(runner.string(), std::filesystem::absolute(argv[2]).string());
  const auto grade = exercises::grade(exercises::find_exercise(argv[1]), student);
  fmt::print("{}\n", exercises::to_json(grade).dump(1, ' ', false,
                                                    nlohmann::json::error_handler_t::replace));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "exercise_grader: {}\n", error.what());
  return 1;
}
