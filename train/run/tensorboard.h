// Event files that TensorBoard reads: records of protobuf messages, written by hand.
//
//   tensorboard --logdir RUN_DIR
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"

namespace zoo {

class TensorBoardWriter {
 public:
  /// Starts a new event file in the folder, which is made where it is missing. With
  /// `resume_after_step` TensorBoard is told to forget what earlier files say of later steps.
  explicit TensorBoardWriter(const std::filesystem::path& folder,
                             std::optional<int64_t> resume_after_step = {});

  /// wall_time: seconds since 1970; the present where it is left out. TensorBoard keeps scalars as
  /// 32-bit floats. Throws std::runtime_error on a full disk.
  void scalar(std::string_view tag, double value, int64_t step,
              std::optional<double> wall_time = {});
  /// Shows under "Text".
  void text(std::string_view tag, std::string_view markdown, int64_t step,
            std::optional<double> wall_time = {});

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view event_fields, int64_t step, std::optional<double> wall_time);
  GrowingFile file_;
};

}  // namespace zoo
