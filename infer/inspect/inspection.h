// The contents and the cost of a checkpoint: tensors, parameters, operations, memory.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace zoo {

/// `path` is a checkpoint folder or a safetensors file; length is the number of tokens of a
/// sequence (0: the model's context). Keys: "path", "model_type", "tensors" [{"name", "shape",
/// "dtype", "bytes"}], "bytes", "parameters" {"total"}, "memory_bytes" {"weights", "gradients",
/// "optimizer"}. For a decoder also "flops_per_token" {"length", "forward", "training"},
/// "embedding" and "non_embedding" of parameters, "kv_cache_per_token" of memory; for another
/// family "flops" {"input", "forward", "training"}, where "input" describes the input. Keys that
/// need the config.json of a known family are omitted without one, and if the tensors do not match
/// it; then "mismatch" is a sentence that says so. Throws std::runtime_error with one line.
nlohmann::json inspect(const std::filesystem::path& path, int64_t length = 0);

/// The same as a readable table and sentences.
std::string inspection_text(const nlohmann::json& inspection);

}  // namespace zoo
