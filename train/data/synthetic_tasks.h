// Tasks that need no data: a sequence of symbols and its answer. They can be learnt in a minute,
// and an answer is either right or wrong.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "train/data/parallel_text.h"

namespace zoo {

enum class SyntheticTask { kNone, kCopy, kReverse, kSort, kAdd, kNeedle, kRecall };
template <>
struct EnumNames<SyntheticTask> {
  static constexpr std::string_view what = "task";
  static constexpr std::pair<SyntheticTask, std::string_view> values[] = {
      {SyntheticTask::kNone, "none"},       {SyntheticTask::kCopy, "copy"},
      {SyntheticTask::kReverse, "reverse"}, {SyntheticTask::kSort, "sort"},
      {SyntheticTask::kAdd, "add"},         {SyntheticTask::kNeedle, "needle"},
      {SyntheticTask::kRecall, "recall"}};
};

/// Ends a question that a decoder alone reads. In `recall` it stands before each symbol asked for.
inline constexpr char kAsks = '=';

struct SyntheticOptions {
  SyntheticTask task = SyntheticTask::kNone;
  int64_t classes = 10;       ///< different symbols, of 0-9 a-z A-Z; `add` takes digits, `needle`
                              ///< and `recall` so many letters, and digits
  int64_t length = 16;        ///< symbols of a sequence; digits of a summand
  int64_t min_length = 0;     ///< lengths vary from this on; 0: all are `length`
  int64_t examples = 50000;   ///< of the training set
  int64_t validation = 1000;  ///< of the validation set
};

template <class Visitor>
void visit(SyntheticOptions& o, Visitor&& v) {
  v("task", o.task, "A built-in task instead of data");
  v("task-classes", o.classes, "Task: number of different symbols");
  v("task-length", o.length, "Task: symbols of a sequence, digits of a summand");
  v("task-min-length", o.min_length, "Task: shortest sequence (0: all have task-length)");
  v("task-examples", o.examples, "Task: examples to train on");
  v("task-validation", o.validation, "Task: examples to measure with");
}

/// The names of the options that have no effect without a task.
std::vector<std::string_view> task_options();

/// "task-validation above 0" if the run has no validation examples, else empty.
inline std::string lacks_validation(const SyntheticOptions& o) {
  return o.validation > 0 ? "" : "task-validation above 0";
}

/// Throws std::invalid_argument for values out of range, and if the task has fewer distinct sources
/// than twice the size of the validation set.
void check(const SyntheticOptions& options);

/// All symbols that can occur in the task's texts.
std::u32string synthetic_alphabet(const SyntheticOptions& options);

/// The answer to a source: "314" -> "413" for reverse; "27+15" -> "42" for add; "hay7st" -> "7" for
/// needle; "a3k7m1=k7=m1=a" -> "3" for recall: the digit after the last letter's first place.
std::string synthetic_answer(SyntheticTask task, const std::string& source);

/// Examples drawn from `seed`. A hash of the source assigns it to training or validation, so no
/// source is in both. Training may repeat a source, validation does not.
ParallelText synthetic_text(const SyntheticOptions& options, bool validation, uint64_t seed);

}  // namespace zoo
