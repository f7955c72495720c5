#include "train/options.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

template <class T>
void require(bool holds, const char* option, T value, const char* expected) {
  if (!holds)
    throw std::invalid_argument(fmt::format("--{} must be {}, got {}", option, expected, value));
}

}  // namespace

void check(const TrainOptions& o) {
  for (const auto& [option, value] :
       {std::pair("learning-rate", o.learning_rate), std::pair("adam-epsilon", o.adam_epsilon),
        std::pair("weight-decay", o.weight_decay), std::pair("clip", o.clip)}) {
    require(std::isfinite(value) && value >= 0.0, option, value, "a number, 0 or more");
  }
  require(o.max_steps >= 0, "max-steps", o.max_steps, "0 or more");
  require(o.accumulate >= 1, "accumulate", o.accumulate, "1 or more");
  require(o.patience >= 0, "patience", o.patience, "0 or more");
  require(o.beta1 >= 0.0 && o.beta1 < 1.0, "beta1", o.beta1, "in [0, 1)");
  require(o.beta2 >= 0.0 && o.beta2 < 1.0, "beta2", o.beta2, "in [0, 1)");
  require(o.schedule.warmup_steps >= 0, "warmup-steps", o.schedule.warmup_steps, "0 or more");
  require(o.schedule.steps >= 0, "schedule-steps", o.schedule.steps, "0 or more");
  require(o.schedule.final_share >= 0.0 && o.schedule.final_share <= 1.0, "final-share",
          o.schedule.final_share, "between 0 and 1");
  require(o.schedule.decay_share >= 0.0 && o.schedule.decay_share <= 1.0, "decay-share",
          o.schedule.decay_share, "between 0 and 1");
  require(o.ema_decay >= 0.0 && o.ema_decay < 1.0, "ema-decay", o.ema_decay, "in [0, 1)");
  require(o.average_last >= 0, "average-last", o.average_last, "0 or more");
  require(o.evaluate_every >= 1, "evaluate-every", o.evaluate_every, "1 or more");
  require(o.log_every >= 1, "log-every", o.log_every, "1 or more");
  require(o.save_every >= 0, "save-every", o.save_every, "0 or more");
  require(o.keep >= 1, "keep", o.keep, "1 or more");
  require(o.threads >= 0 && o.threads <= 4096, "threads", o.threads, "0 (all cores) to 4096");
}

}  // namespace zoo
