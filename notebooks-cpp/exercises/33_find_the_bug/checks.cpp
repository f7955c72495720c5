// 33: models with a fault, or none; the grader knows which, the student's code has to find out.
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_33 {
namespace {

Value reference(const Probe& probe, const Faults&) {
  return std::make_tuple(probe.text(0), probe.real(1));
}

constexpr std::array<std::string_view, 13> kNames{
    "healthy",         "wrong-scale",   "mask-too-far",         "mask-after-softmax",
    "dropout-on",      "sum-for-mean",  "pads-counted",         "smoothing-on",
    "targets-shifted", "weight-frozen", "gradients-not-zeroed", "gradients-clipped",
    "weights-decay"};

bool near(double a, double b) { return std::abs(a - b) <= 1e-3 * std::max(1.0, std::abs(b)); }

/// The misconception behind the wrong number of a fault that was found.
std::string behind(const std::string& fault, double right, double got) {
  if (fault == "mask-too-far" && near(got, right + 1)) return "own-key-counted";
  if (fault == "wrong-scale" && near(got, 1 / right)) return "upside-down";
  if (fault == "dropout-on" && near(got, 1 - right)) return "kept-for-dropped";
  if (fault == "dropout-on" && near(got, 1 / (1 - right))) return "factor-for-share";
  if (fault == "smoothing-on" && near(got, 1 - right)) return "kept-for-dropped";
  if (fault == "targets-shifted" && near(got, -right)) return "shift-turned";
  if ((fault == "sum-for-mean" || fault == "pads-counted") && near(got, 1 / right))
    return "upside-down";
  if (fault == "weight-frozen" && near(got, right + 1)) return "index-from-one";
  if (fault == "gradients-not-zeroed" && near(got, 6)) return "place-for-step";
  return "wrong-number";
}

Verdict right_finding(const Probe& probe, const Value& answer) {
  const auto fault = probe.text(0);
  const double number = probe.real(1);
  const auto& parts = answer.toTupleRef().elements();
  const std::string named = parts[0].toStringRef().substr(0, 40);
  const double got = parts[1].toDouble();
  if (named == fault && near(got, number)) return {};
  const std::string text = "The model is " + fault + ", " + describe_number(number) + "; you say " +
                           named + ", " + describe_number(got);
  if (std::find(kNames.begin(), kNames.end(), named) == kNames.end()) return {text, "unknown-name"};
  if (named == fault) return {text, behind(fault, number, got)};
  if (named == "healthy") return {text, "overlooked"};
  if (fault == "healthy" && named == "gradients-not-zeroed" && near(got, 3))
    return {text, "place-for-step"};
  return {text, fault == "healthy" ? "healthy-called-ill" : "one-for-another"};
}

Exercise make() {
  const auto probe_of = [](const std::string& function, const std::string& fault, double number,
                           const std::string& what) {
    return Probe{function, what, {fault, number}};
  };
  const auto attention = [&](const std::string& what, const std::string& fault, double number) {
    return probe_of("attention_fault", fault, number, "model " + what);
  };
  const auto loss = [&](const std::string& what, const std::string& fault, double number) {
    return probe_of("loss_fault", fault, number, "model " + what);
  };
  const auto training = [&](const std::string& what, const std::string& fault, double number) {
    return probe_of("training_fault", fault, number, "model " + what);
  };
  return {
      .name = "33_find_the_bug",
      .reference = reference,
      .checks = {
          {.part = "33.1",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "attention: four models",
           .probes = {attention("A", "mask-too-far", 2), attention("B", "wrong-scale", 2.5),
                      attention("C", "healthy", 0), attention("D", "wrong-scale", 0.37)},
           .verify = right_finding},
          {.part = "33.1",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "attention: five more",
           .probes = {attention("E", "dropout-on", 0.3), attention("F", "mask-after-softmax", 0.2),
                      attention("G", "mask-too-far", 1), attention("H", "healthy", 0),
                      attention("I", "dropout-on", 0.15)},
           .verify = right_finding},
          {.part = "33.2",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "a loss: five models",
           .probes = {loss("J", "smoothing-on", 0.1), loss("K", "targets-shifted", 1),
                      loss("L", "healthy", 0), loss("M", "pads-counted", 0.5),
                      loss("N", "smoothing-on", 0.35)},
           .verify = right_finding},
          {.part = "33.2",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "a loss: four more",
           .probes = {loss("O", "targets-shifted", -2), loss("P", "sum-for-mean", 2),
                      loss("Q", "targets-shifted", 3), loss("R", "healthy", 0)},
           .verify = right_finding},
          {.part = "33.3",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "training: five models",
           .probes = {training("S", "weights-decay", 0.05), training("T", "healthy", 0),
                      training("U", "weight-frozen", 5), training("V", "gradients-not-zeroed", 3),
                      training("W", "weights-decay", 0.4)},
           .verify = right_finding},
          {.part = "33.3",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "training: four more",
           .probes = {training("X", "gradients-clipped", 1.5), training("Y", "weight-frozen", 0),
                      training("Z", "healthy", 0), training("Z2", "gradients-clipped", 24)},
           .verify = right_finding},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_33
