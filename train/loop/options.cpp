#include "train/loop/options.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/option_checks.h"
#include "base/printable.h"

namespace zoo {

void check(const TrainOptions& o) {
  for (const auto& [option, value] :
       {std::pair("learning-rate", o.learning_rate), std::pair("adam-epsilon", o.adam_epsilon),
        std::pair("weight-decay", o.weight_decay), std::pair("clip", o.clip)}) {
    require_option(std::isfinite(value) && value >= 0.0, option, printable(value),
                   "a number, 0 or more");
  }
  require_option(o.max_steps >= 0, "max-steps", o.max_steps, "0 or more");
  require_option(o.accumulate >= 1, "accumulate", o.accumulate, "1 or more");
  require_option(o.patience >= 0, "patience", o.patience, "0 or more");
  require_option(o.beta1 >= 0.0 && o.beta1 < 1.0, "beta1", o.beta1, "in [0, 1)");
  require_option(o.beta2 >= 0.0 && o.beta2 < 1.0, "beta2", o.beta2, "in [0, 1)");
  require_option(o.schedule.warmup_steps >= 0, "warmup-steps", o.schedule.warmup_steps,
                 "0 or more");
  require_option(o.schedule.steps >= 0, "schedule-steps", o.schedule.steps, "0 or more");
  require_option(o.schedule.final_share >= 0.0 && o.schedule.final_share <= 1.0, "final-share",
                 o.schedule.final_share, "between 0 and 1");
  require_option(o.schedule.decay_share >= 0.0 && o.schedule.decay_share <= 1.0, "decay-share",
                 o.schedule.decay_share, "between 0 and 1");
  require_option(o.ema_decay >= 0.0 && o.ema_decay < 1.0, "ema-decay", o.ema_decay, "in [0, 1)");
  require_option(o.average_last >= 0, "average-last", o.average_last, "0 or more");
  require_option(o.evaluate_every >= 1, "evaluate-every", o.evaluate_every, "1 or more");
  require_option(o.log_every >= 1, "log-every", o.log_every, "1 or more");
  require_option(o.save_every >= 0, "save-every", o.save_every, "0 or more");
  require_option(o.processes >= 1 && o.processes <= 4096, "processes", o.processes,
                 "from 1 to 4096");
  require_option(o.process_timeout >= 1 && o.process_timeout <= 86400, "process-timeout",
                 o.process_timeout, "from 1 to 86400 seconds");
  require_option(o.keep >= 1, "keep", o.keep, "1 or more");
  for (const auto& [option, value] : {std::pair("expect-at-least", o.expect_at_least),
                                      std::pair("expect-at-most", o.expect_at_most)}) {
    if (value) require_option(std::isfinite(*value), option, printable(*value), "a number");
  }
  if (o.expect_at_least && o.expect_at_most) {
    require_option(*o.expect_at_least <= *o.expect_at_most, "expect-at-least", *o.expect_at_least,
                   fmt::format("{} {} or less", option_name("expect-at-most"), *o.expect_at_most));
  }
  require_option(o.threads >= 0 && o.threads <= 4096, "threads", o.threads,
                 "0 (all cores) to 4096");
}

}  // namespace zoo
