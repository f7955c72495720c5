// What a checkpoint is made of and what it costs: tensors, parameters, operations, memory.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace zoo {

/// `path` is a checkpoint folder or a safetensors file; length the tokens of a sequence (0: the
/// model's context). Keys: "path", "model_type", "tensors" [{"name", "shape", "dtype", "bytes"}],
/// "bytes", "parameters" {"total"}, "memory_bytes" {"weights", "gradients", "optimizer"}. Of a
/// decoder also "flops_per_token" {"length", "forward", "training"}, parameters' "embedding" and
/// "non_embedding", memory's "kv_cache_per_token"; of another family "flops" {"input", "forward",
/// "training"}, "input" saying what goes through it. What only a config.json of a known family can
/// tell is left out without one, and where the tensors do not fit it; "mismatch" is then a sentence
/// that says so. Throws std::runtime_error with one line.
nlohmann::json inspect(const std::filesystem::path& path, int64_t length = 0);

/// The same as a table and sentences for people.
std::string inspection_text(const nlohmann::json& inspection);

}  // namespace zoo
