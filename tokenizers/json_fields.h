// Reading the fields of a tokenizer.json's parts, with errors that say what was expected.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::fields {

/// A JSON text; discarded (is_discarded(), and neither object nor array) where it is none, or
/// nested so deeply that code which walks it would run out of stack.
nlohmann::json parse(std::string_view text);

/// Control characters as spaces: what a broken file says may stand in a message, which stays one
/// line.
std::string on_one_line(std::string text);

// The rest throws std::runtime_error: "BPE: 'merges' must be an array, got a number". `part` is who
// asks.

/// Throws unless it is an object.
void check_object(const nlohmann::json& object, std::string_view part);

/// The field; throws where it is missing.
const nlohmann::json& required(const nlohmann::json& object, const char* key,
                               std::string_view part);

bool boolean(const nlohmann::json& object, const char* key, std::string_view part);
/// Missing or null: `otherwise`.
bool boolean(const nlohmann::json& object, const char* key, std::string_view part, bool otherwise);

std::string text(const nlohmann::json& object, const char* key, std::string_view part);
/// Missing or null: nothing.
std::optional<std::string> optional_text(const nlohmann::json& object, const char* key,
                                         std::string_view part);

[[noreturn]] void fail(std::string_view part, const char* key, std::string_view expected,
                       const nlohmann::json& got);

}  // namespace zoo::fields
