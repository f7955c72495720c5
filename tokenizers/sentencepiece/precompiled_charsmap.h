// The compiled normalisation rules inside a SentencePiece model.
#pragma once
#include <string_view>

namespace zoo {

/// Whether every look-up in the rules stays inside them. The library walks them unchecked: rules
/// out of a damaged file would make it read foreign memory.
bool is_sound_charsmap(std::string_view bytes);

}  // namespace zoo
