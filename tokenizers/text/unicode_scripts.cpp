#include "tokenizers/text/unicode_scripts.h"

#include <algorithm>
#include <iterator>

namespace zoo::unicode {
namespace {

struct Stretch {
  char32_t first;
  uint8_t script;
};
#include "tokenizers/text/unicode_scripts_data.inc"

}  // namespace

uint8_t script_of(char32_t code) {
  const auto* next =
      std::upper_bound(std::begin(kStretches), std::end(kStretches), code,
                       [](char32_t wanted, const Stretch& s) { return wanted < s.first; });
  return std::prev(next)->script;
}

}  // namespace zoo::unicode
