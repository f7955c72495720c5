// The command line of look_inside: its verbs, and which options each of them takes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "app/cli.h"
#include "infer/analysis/look_inside.h"

namespace zoo {

struct LookRequest {
  std::string verb = {};
  ModelChoice model{.attention = "matmul"};
  LookedAt input = {};
  int64_t top = 5, length = 25, sequences = 8, seed = 1;
  std::optional<std::string> corrupted = {}, answer = {}, other = {};
  LayerPart patched = LayerPart::kResidual;
  ExampleFile file = {};
  ProbeOptions probe = {};
  InfluenceQuestion influence = {};
  LengthOptions lengths = {};
  std::filesystem::path out = {};
  bool as_json = false;
};

void add_look_options(CommandLine& app, LookRequest& request);

/// Throws UsageError, or CLI11's error, for an unknown verb, options of other verbs and values that
/// mean nothing; std::runtime_error for an output folder that holds other things.
void check_look_options(CommandLine& app, const LookRequest& request);

/// The model, and the input that the verb needs.
OpenedInput open_for_look(const LookRequest& request);

/// The verb's answer.
LookResult look(const OpenedInput& opened, const LookRequest& request);

}  // namespace zoo
