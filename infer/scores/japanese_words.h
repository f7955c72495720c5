// Words of Japanese, which is written without spaces: MeCab with the IPA dictionary finds the
// likeliest path through a lattice of known words (Kudo et al. 2004, "Applying Conditional Random
// Fields to Japanese Morphological Analysis", EMNLP).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Throws std::invalid_argument, with what to install, if this build has no MeCab or the machine no
/// IPA dictionary.
void require_japanese_words();

std::vector<std::u32string> japanese_words(std::u32string_view line);

/// "0.996-IPA": MeCab's version and the dictionary.
std::string japanese_signature();

}  // namespace zoo
