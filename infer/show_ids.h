// A model's input ids with their pieces, for --show-ids.
#pragma once
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace CLI {
class App;
}

namespace zoo {

/// Adds --show-ids.
void add_show_ids(CLI::App& app, bool& show);

/// One line, "text 1: [0, 87, 2] <s> x </s>"; `number` counts from 1.
void show_ids(std::ostream& out, std::string_view what, size_t number, const Tokenizer& tokenizer,
              std::span<const int64_t> ids);

/// Called with each text's input ids.
using IdsObserver =
    std::function<void(const Tokenizer& tokenizer, const std::vector<int32_t>& ids)>;

/// Prints them to `out`, numbered; if `show` is false, an empty function.
IdsObserver ids_printer(bool show, std::string what, std::ostream& out);

}  // namespace zoo
