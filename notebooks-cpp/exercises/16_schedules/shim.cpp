#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/16_schedules/schedules.h"

using namespace exercises;

/// A factor for each of a list of steps.
template <class Factor>
static std::vector<double> each(const Value& steps, const Factor& factor) {
  std::vector<double> factors;
  for (const int64_t step : steps.toIntVector()) factors.push_back(factor(step));
  return factors;
}

EXERCISE_SHIM({"noam",
               [](const Values& in) -> Value {
                 return each(in.at(0), [&](int64_t step) { return noam(step, in.at(1).toInt()); });
               }},
              {"cosine",
               [](const Values& in) -> Value {
                 return each(in.at(0), [&](int64_t step) {
                   return cosine(step, in.at(1).toInt(), in.at(2).toInt(), in.at(3).toDouble());
                 });
               }},
              {"warmup_stable_decay", [](const Values& in) -> Value {
                 return each(in.at(0), [&](int64_t step) {
                   return warmup_stable_decay(step, in.at(1).toInt(), in.at(2).toInt(),
                                              in.at(3).toDouble(), in.at(4).toDouble());
                 });
               }})
