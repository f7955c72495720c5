// What a model is really given: the ids of a text with their pieces, for --show-ids.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// Adds --show-ids.
void add_show_ids(CLI::App& app, bool& show);

/// One line, "text 1: [0, 87, 2] <s> x </s>"; `number` counts from 1.
void show_ids(std::ostream& out, std::string_view what, size_t number, const Tokenizer& tokenizer,
              std::span<const int64_t> ids);

/// Told of each text's ids as the model is given them.
using SeeIds = std::function<void(const Tokenizer& tokenizer, const std::vector<int32_t>& ids)>;

/// Shows them on stderr, numbered, where `show` says so; else nothing.
SeeIds ids_printer(bool show, std::string what);

}  // namespace zoo
