// Event files for TensorBoard: records of protobuf messages, written without a library.
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
  /// Starts a new event file in the folder, which is made if it is missing. With
  /// `resume_after_step`, TensorBoard drops later steps of earlier files.
  explicit TensorBoardWriter(const std::filesystem::path& folder,
                             std::optional<int64_t> resume_after_step = {});

  /// wall_time: seconds since 1970; default: now. TensorBoard stores scalars as 32-bit floats.
  /// Throws std::runtime_error if the disk is full.
  void scalar(std::string_view tag, double value, int64_t step,
              std::optional<double> wall_time = {});
  /// Appears under "Text".
  void text(std::string_view tag, std::string_view markdown, int64_t step,
            std::optional<double> wall_time = {});

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view event_fields, int64_t step, std::optional<double> wall_time);
  GrowingFile file_;
};

}  // namespace zoo
