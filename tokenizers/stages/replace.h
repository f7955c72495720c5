// The normalizer "Replace": replaces every match of a string or of a regular expression.
#pragma once
#include <memory>
#include <string>

#include "tokenizers/stages/normalizer.h"
#include "tokenizers/text/regex.h"

namespace zoo {

/// New text gets the span of the last character that it replaces. An empty pattern matches at both
/// ends and between all characters.
std::unique_ptr<Normalizer> make_replace_normalizer(std::string pattern, std::string content);
std::unique_ptr<Normalizer> make_replace_normalizer(Regex pattern, std::string content);

}  // namespace zoo
