#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/17_adamw/adamw.h"

using namespace exercises;

static AdamWOptions options_of(const Value& value) {
  const auto numbers = value.toDoubleVector();
  return {numbers.at(0), numbers.at(1), numbers.at(2), numbers.at(3)};
}

EXERCISE_SHIM({"update_moments",
               [](const Values& in) -> Value {
                 return update_moments(in.at(0).toTensor(), in.at(1).toTensor(),
                                       in.at(2).toTensor(), options_of(in.at(3)));
               }},
              {"adamw_step",
               [](const Values& in) -> Value {
                 return adamw_step(in.at(0).toTensor(), in.at(1).toTensor(), in.at(2).toTensor(),
                                   in.at(3).toTensor(), in.at(4).toInt(), in.at(5).toDouble(),
                                   options_of(in.at(6)));
               }},
              {"adamw_steps", [](const Values& in) -> Value {
                 return adamw_steps(in.at(0).toTensor(), in.at(1).toTensor(),
                                    in.at(2).toDoubleVector(), options_of(in.at(3)));
               }})
