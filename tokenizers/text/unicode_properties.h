// The properties of characters that Oniguruma's \p{...} and [:...:] know beyond general categories.
#pragma once
#include <optional>
#include <string_view>

#include "tokenizers/text/code_point_set.h"

namespace zoo::unicode {

/// "Alphabetic", "Emoji", "cyrl", "uppercase letter": case, spaces, dashes and underscores do not
/// count. Nothing where the name is unknown.
std::optional<CodePointSet> property_named(std::string_view name);

/// "alpha" of [:alpha:].
std::optional<CodePointSet> posix_class_named(std::string_view name);

}  // namespace zoo::unicode
