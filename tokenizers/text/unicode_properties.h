// The character properties beyond general categories that Oniguruma knows in \p{...} and [:...:].
#pragma once
#include <optional>
#include <string_view>

#include "tokenizers/text/code_point_set.h"

namespace zoo::unicode {

/// "Alphabetic", "Emoji", "cyrl", "uppercase letter": case, spaces, dashes and underscores are
/// ignored. nullopt for an unknown name.
std::optional<CodePointSet> property_named(std::string_view name);

/// The "alpha" of [:alpha:]; nullopt for an unknown name.
std::optional<CodePointSet> posix_class_named(std::string_view name);

}  // namespace zoo::unicode
