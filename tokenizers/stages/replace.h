// The normalizer "Replace": every match of a string or of a regular expression becomes another
// text.
#pragma once
#include <memory>
#include <string>

#include "tokenizers/stages/normalizer.h"
#include "tokenizers/text/regex.h"

namespace zoo {

/// The place of what is written is that of the last character it replaces. An empty pattern matches
/// at both ends and between all characters.
std::unique_ptr<Normalizer> make_replace_normalizer(std::string pattern, std::string content);
std::unique_ptr<Normalizer> make_replace_normalizer(Regex pattern, std::string content);

}  // namespace zoo
