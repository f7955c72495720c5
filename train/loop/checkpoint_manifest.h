// What a checkpoint holds: trainer_state/manifest.json lists every file with its size
// and checksum, and the tensors of every safetensors file with type and shape.
//
//   {"version": 1, "files": {"model.safetensors": {"bytes": 4096, "crc32c": "e3069283",
//    "tensors": {"lm_head.weight": "F32 [15, 12]"}}, ...}}
#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>

namespace zoo {

/// Lists what lies in the checkpoint's folder; to be called when all of it is written.
void write_manifest(const std::filesystem::path& checkpoint);

/// False for a checkpoint from before there were manifests.
bool has_manifest(const std::filesystem::path& checkpoint);

/// A file of a checkpoint that cannot be used: which, why, what to do.
struct DamagedCheckpoint : std::runtime_error {
  DamagedCheckpoint(const std::filesystem::path& checkpoint, const std::string& file,
                    const std::string& why);
};

/// Throws DamagedCheckpoint for the first thing listed that is missing or
/// is not as it was written. Files that nothing lists may lie there.
void check_manifest(const std::filesystem::path& checkpoint);

}  // namespace zoo
