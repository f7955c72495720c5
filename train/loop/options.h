// The trainer's options; the same names in every training program and recipe.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/named_enum.h"
#include "train/loop/precision.h"
#include "train/loop/schedule.h"

namespace zoo {

/// How gradients travel between processes.
enum class GradientCompression { kNone, kBf16 };
template <>
struct EnumNames<GradientCompression> {
  static constexpr std::string_view what = "gradient compression";
  static constexpr std::pair<GradientCompression, std::string_view> values[] = {
      {GradientCompression::kNone, "none"}, {GradientCompression::kBf16, "bf16"}};
};

struct TrainOptions {
  // How long
  int64_t max_steps = 2000;  ///< the run ends at this update
  int64_t accumulate = 1;    ///< micro-batches per update
  int64_t patience = 0;      ///< stop after so many evaluations without a better one; 0: never
  bool overfit_one_batch = false;

  // Optimizer: AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101)
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double adam_epsilon = 1e-8;
  double weight_decay = 0.1;  ///< on all but biases and gains
  double clip = 1.0;          ///< longest gradient; 0: no clipping
  ScheduleOptions schedule;
  Precision precision = Precision::kFp32;
  double ema_decay = 0.0;    ///< evaluate and save a moving average of the weights; 0: none
  int64_t average_last = 0;  ///< at the end, average the weights of the last N checkpoints; 0: none

  // How often, in updates
  int64_t evaluate_every = 250;
  int64_t log_every = 1;
  int64_t save_every = 0;  ///< 0: at every evaluation
  int64_t keep = 3;        ///< checkpoints kept besides the best

  // Where
  int64_t processes = 1;         ///< that share each batch
  bool shard_optimizer = false;  ///< each of them keeps its part of the optimizer's state
  GradientCompression gradient_compression = GradientCompression::kNone;
  bool overlap_gradients = true;  ///< gradients travel while backward computes others
  int64_t process_timeout = 300;  ///< seconds within which all of them must join
  uint64_t seed = 1337;
  int64_t threads = 0;  ///< 0: all cores
  std::string device = "auto";

  // The recipe's expected range of the metric that judges the task
  std::optional<double> expect_at_least;
  std::optional<double> expect_at_most;
};

template <class Visitor>
void visit(TrainOptions& o, Visitor&& v) {
  v("max-steps", o.max_steps, "Update after which the run ends");
  v("accumulate", o.accumulate, "Micro-batches per update");
  v("patience", o.patience, "Stop after N evaluations without a better one (0: never)");
  v("overfit-one-batch", o.overfit_one_batch,
    "Train on the first batch only: the loss must go to 0");
  v("learning-rate", o.learning_rate, "Peak learning rate");
  visit(o.schedule, v);
  v("beta1", o.beta1, "AdamW: decay rate of the mean gradient");
  v("beta2", o.beta2, "AdamW: decay rate of the mean squared gradient");
  v("adam-epsilon", o.adam_epsilon, "AdamW: epsilon, added to the denominator");
  v("weight-decay", o.weight_decay, "AdamW: weight decay, of all but biases and gains");
  v("clip", o.clip, "Largest gradient norm; larger gradients are scaled down (0: no clipping)");
  v("precision", o.precision, "Arithmetic of the forward pass");
  v("ema-decay", o.ema_decay,
    "Decay rate of a moving average of the weights, which is evaluated (0: none)");
  v("average-last", o.average_last, "Average the last N checkpoints at the end (0: none)");
  v("evaluate-every", o.evaluate_every, "Updates between evaluations");
  v("log-every", o.log_every, "Updates between lines in metrics.jsonl");
  v("save-every", o.save_every, "Updates between checkpoints (0: at evaluations)");
  v("keep", o.keep, "Checkpoints kept besides the best");
  v("processes", o.processes,
    "Processes that share each micro-batch; they are started on this machine, unless torchrun, "
    "mpirun or srun has started them");
  v("shard-optimizer", o.shard_optimizer,
    "Each process keeps a part of the optimizer's state (ZeRO, stage 1)");
  v("gradient-compression", o.gradient_compression,
    "How gradients travel between processes: as they are, or in 16 bits");
  v("overlap-gradients", o.overlap_gradients,
    "Gradients travel between processes while backward computes others, not after it");
  v("process-timeout", o.process_timeout,
    "Seconds within which all processes must join; one that is silent for a tenth of it is lost");
  v("seed", o.seed, "Seed of weights, batches and dropout");
  v("threads", o.threads, "CPU threads (0: all cores)");
  v("device", o.device, "auto, cpu, cuda or cuda:N");
  v("expect-at-least", o.expect_at_least, "In recipes: the best result is at least this");
  v("expect-at-most", o.expect_at_most, "In recipes: the best result is at most this");
}

/// Throws std::invalid_argument for a value out of range; the message names option, range and
/// value.
void check(const TrainOptions& options);

}  // namespace zoo
