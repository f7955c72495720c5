// Reads fields of a tokenizer.json's parts; errors state what was expected.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::fields {

/// Parses JSON. Returns a discarded value (is_discarded()) for text that is not JSON, or is nested
/// so deeply that recursive code would overflow the stack.
nlohmann::json parse(std::string_view text);

/// Replaces control characters by spaces, so that a message that quotes a file stays on one line.
std::string on_one_line(std::string text);

// The functions below throw std::runtime_error: "BPE: 'merges' must be an array, got a number".
// `part` begins the message.

/// Throws unless `object` is a JSON object.
void check_object(const nlohmann::json& object, std::string_view part);

/// The field; throws if it is missing.
const nlohmann::json& required(const nlohmann::json& object, const char* key,
                               std::string_view part);

bool boolean(const nlohmann::json& object, const char* key, std::string_view part);
/// Missing or null: `otherwise`.
bool boolean(const nlohmann::json& object, const char* key, std::string_view part, bool otherwise);

std::string text(const nlohmann::json& object, const char* key, std::string_view part);
/// Missing or null: nullopt.
std::optional<std::string> optional_text(const nlohmann::json& object, const char* key,
                                         std::string_view part);

[[noreturn]] void fail(std::string_view part, const char* key, std::string_view expected,
                       const nlohmann::json& got);

}  // namespace zoo::fields
