#include "notebooks-cpp/exercises/grader/grade.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises {
namespace {

constexpr int kMostRestarts = 3;

State state_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNotDone:
      return State::kNotStarted;
    case Outcome::kThrew:
      return State::kFail;
    case Outcome::kTimeout:
      return State::kTimeout;
    default:
      return State::kCrash;
  }
}

/// A random gradient for each floating-point tensor of the result.
std::vector<at::Tensor> random_gradients(const Value& result) {
  std::vector<at::Tensor> gradients;
  for (const auto& tensor : floats_of(result)) gradients.push_back(torch::randn(tensor.sizes()));
  return gradients;
}

Value gradients_of(const Answer& answer, const Value& expected) {
  Values found;
  const auto wanted = tensors_of(expected);
  for (size_t n = 0; n < wanted.size(); ++n) {
    const bool there = n < answer.gradients.size() && answer.gradients[n].defined();
    found.emplace_back(there ? answer.gradients[n] : torch::zeros_like(wanted[n]));
  }
  return c10::ivalue::Tuple::create(std::move(found));
}

void fail(CheckResult& result, const Probe& probe, const std::string& message,
          const Difference& difference = {}) {
  if (result.state == State::kFail) return;  // the first one is told
  result.state = State::kFail;
  result.probe = probe.what;
  result.message = message;
  result.where = difference.where;
  result.expected = difference.expected;
  result.got = difference.got;
}

/// What a call's answer is worth; wrong answers are kept for the diagnosis, and right ones, which a
/// guess has to explain as well.
class Judge {
 public:
  Judge(const Exercise& exercise, const Check& check, CheckResult& result, Grade& grade,
        std::vector<Observation>& observations)
      : exercise_(exercise),
        check_(check),
        result_(result),
        grade_(grade),
        observations_(observations) {}

  void judge(const Probe& probe, const Value& expected, const Answer& answer,
             const std::vector<at::Tensor>& upstream) {
    if (check_.kind == Kind::kSideEffects) return side_effects(probe, answer);
    if (check_.verify) return own_verdict(probe, answer);
    if (const auto difference = compare_shapes(expected, answer.value))
      return fail(result_, probe, "the result has another shape or type", *difference);
    if (check_.kind == Kind::kGradients) return gradients(probe, answer, upstream);
    if (check_.kind == Kind::kShape) return;
    observations_.push_back({probe, answer.value, {}});
    if (const auto difference = compare_values(expected, answer.value, check_.tolerance))
      fail_value(probe, "the values differ", *difference);
  }

 private:
  void fail_value(const Probe& probe, const std::string& message, const Difference& difference) {
    fail(result_, probe, message, difference);
    const auto has = [](const std::string& text, const char* word) {
      return text.find(word) != std::string::npos;
    };
    if (grade_.not_a_number.empty() && has(difference.got, "nan") && !has(difference.got, "\"") &&
        !has(difference.expected, "nan"))
      grade_.not_a_number = probe.what + ": " + difference.got;
  }

  void own_verdict(const Probe& probe, const Answer& answer) {
    const Verdict verdict = check_.verify(probe, answer.value);
    if (verdict.wrong.empty()) return;
    fail(result_, probe, verdict.wrong);
    if (!verdict.fault.empty() && grade_.diagnosis.faults.empty())
      grade_.diagnosis = {{verdict.fault}, verdict.wrong};
  }

  void gradients(const Probe& probe, const Answer& answer,
                 const std::vector<at::Tensor>& upstream) {
    Observation observation{probe, {}, upstream};
    const Value expected = predict(exercise_, observation, {});
    if (!answer.differentiable) {
      if (grade_.diagnosis.faults.empty()) grade_.diagnosis = {{"no-gradient"}, {}};
      return fail(result_, probe, "no gradient flows back to the arguments");
    }
    observation.answer = gradients_of(answer, expected);
    observations_.push_back(observation);
    if (const auto difference = compare_values(expected, observation.answer, check_.tolerance))
      fail_value(probe, "the gradients differ", *difference);
  }

  void side_effects(const Probe& probe, const Answer& answer) {
    if (!answer.modified.empty()) {
      if (grade_.diagnosis.faults.empty()) grade_.diagnosis = {{"changes-arguments"}, {}};
      return fail(result_, probe,
                  fmt::format("the call changed its argument {}", answer.modified[0] + 1));
    }
    if (answer.seconds > check_.seconds) {
      const auto taken = fmt::format("{:.3g} s", answer.seconds);
      grade_.cost = {{"too-slow"}, taken};
      return fail(result_, probe, "the call takes too long",
                  {"", fmt::format("{:.3g} s at most", check_.seconds), taken});
    }
    if (check_.megabytes > 0 && answer.megabytes > check_.megabytes) {
      const auto taken = fmt::format("{:.0f} MB", answer.megabytes);
      grade_.cost = {{"too-much-memory"}, taken};
      fail(result_, probe, "the call needs too much memory",
           {"", fmt::format("{:.0f} MB at most", check_.megabytes), taken});
    }
  }

  const Exercise& exercise_;
  const Check& check_;
  CheckResult& result_;
  Grade& grade_;
  std::vector<Observation>& observations_;
};

/// A time limit that was missed on a busy machine is tried once more.
Answer ask(StudentProcess& student, const Call& call, const Check& check) {
  const double limit =
      check.kind == Kind::kSideEffects ? std::max(5.0, 3 * check.seconds) : check.seconds;
  Answer answer = student.call(call, limit);
  if (check.kind == Kind::kSideEffects && answer.outcome == Outcome::kAnswered &&
      answer.seconds > check.seconds)
    answer = student.call(call, limit);
  return answer;
}

CheckResult run_check(const Exercise& exercise, const Check& check, StudentProcess& student,
                      Grade& grade, std::vector<Observation>& observations) {
  CheckResult result{check.part, check.title, check.kind, State::kPass, 0, check.marks};
  if (check.probes.empty())
    throw std::logic_error(exercise.name + ": a check without probes: " + check.title);
  Judge judge(exercise, check, result, grade, observations);
  for (const Probe& probe : check.probes) {
    Value expected;
    if (!check.verify && check.kind != Kind::kSideEffects)
      expected = predict(exercise, {probe}, {});
    std::vector<at::Tensor> upstream;
    if (check.kind == Kind::kGradients) upstream = random_gradients(expected);
    const Answer answer = ask(student, {probe.function, probe.arguments, upstream}, check);
    grade.operators.insert(answer.operators.begin(), answer.operators.end());
    if (answer.outcome != Outcome::kAnswered) {
      if (result.state == State::kPass) {
        fail(result, probe, answer.message);
        result.state = state_of(answer.outcome);
      }
      if (answer.outcome == Outcome::kThrew) continue;
      break;
    }
    judge.judge(probe, expected, answer, upstream);
  }
  if (result.state == State::kPass) result.marks = result.of;
  return result;
}

bool gives_values(const CheckResult& result) {
  return result.state == State::kPass &&
         (result.kind == Kind::kValues || result.kind == Kind::kOddSizes);
}

}  // namespace

Grade grade(const Exercise& exercise, StudentProcess& student) {
  torch::manual_seed(20);
  Grade grade;
  std::vector<Observation> observations;
  const auto start = Clock::now();
  for (const Check& check : exercise.checks) {
    CheckResult result{check.part, check.title, check.kind, State::kNotReached, 0, check.marks};
    if (student.restarts() < kMostRestarts)
      result = run_check(exercise, check, student, grade, observations);
    grade.of += check.marks;
    grade.checks.push_back(result);
  }
  // A part that gives no right value earns nothing for shape or side effects.
  for (auto& result : grade.checks) {
    const bool earned = std::any_of(
        grade.checks.begin(), grade.checks.end(),
        [&](const CheckResult& other) { return other.part == result.part && gives_values(other); });
    if (!earned) result.marks = 0;
    grade.marks += result.marks;
  }
  if (grade.marks < grade.of && grade.diagnosis.faults.empty())
    grade.diagnosis = diagnose(exercise, observations);
  if (grade.diagnosis.faults.empty() && !grade.not_a_number.empty())
    grade.diagnosis = {{"not-a-number"}, grade.not_a_number};
  const bool right = std::all_of(grade.checks.begin(), grade.checks.end(), [](const auto& check) {
    return check.kind == Kind::kSideEffects || check.state == State::kPass;
  });
  if (right && grade.diagnosis.faults.empty()) grade.diagnosis = grade.cost;
  if (grade.marks == grade.of) grade.diagnosis = {};
  grade.printed = student.printed();
  grade.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return grade;
}

}  // namespace exercises
