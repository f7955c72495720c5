// The manifest of a checkpoint: trainer_state/manifest.json lists every file with its size and
// checksum, and the tensors of every safetensors file with type and shape.
//
//   {"version": 1, "files": {"model.safetensors": {"bytes": 4096, "crc32c": "e3069283",
//    "tensors": {"lm_head.weight": "F32 [15, 12]"}}, ...}}
#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>

namespace zoo {

/// Lists the files in the checkpoint's folder; call it after all of them are written.
void write_manifest(const std::filesystem::path& checkpoint);

/// False for older checkpoints, which have no manifest.
bool has_manifest(const std::filesystem::path& checkpoint);

/// A checkpoint file that cannot be used: which, why, what to do.
struct DamagedCheckpoint : std::runtime_error {
  DamagedCheckpoint(const std::filesystem::path& checkpoint, const std::string& file,
                    const std::string& why);
};

/// Throws DamagedCheckpoint for the first listed file that is missing or has changed. Unlisted
/// files are allowed.
void check_manifest(const std::filesystem::path& checkpoint);

}  // namespace zoo
