// Why does a model answer as it does?
//   look_inside lens --model runs/shakespeare --text "To be, or not to"
//   look_inside induction --model runs/shakespeare --length 25
//   look_inside heads --model runs/shakespeare --text "To be, or not to be" --out heads
//   look_inside patch --model gpt2 --text "The cat sat" --corrupted "The dog sat" --out patch
//   look_inside embeddings --model runs/shakespeare --text "abcdef" --out embeddings
//   look_inside statistics --model runs/shakespeare --text "To be, or not to be"
// Prints the answer and tables; --out writes a page, PNG files and JSON.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/analysis/look_inside.h"

namespace {

struct Request {
  std::string verb;
  zoo::ModelChoice model{.attention = "matmul"};
  zoo::LookedAt input;
  int64_t top = 5, length = 25, sequences = 8, seed = 1;
  std::optional<std::string> corrupted, answer, other;
  zoo::LayerPart patched = zoo::LayerPart::kResidual;
  std::filesystem::path out;
  bool as_json = false;
};

/// A verb, the heading of its own options, and whether it does without an input.
struct Verb {
  const char *name, *group;
  bool needs_head, input_optional;
};
constexpr Verb kVerbs[] = {{"lens", "Lens", true, false},
                           {"induction", "Induction", true, true},
                           {"heads", "Heads", true, false},
                           {"patch", "Patch", true, false},
                           {"embeddings", "Embeddings", false, true},
                           {"statistics", "Statistics", false, false}};

/// "lens, induction, ... and statistics"
std::string verb_names(const char* last) {
  std::string names;
  for (const Verb& verb : kVerbs) {
    const bool is_last = &verb == std::end(kVerbs) - 1;
    names += fmt::format("{}{}", names.empty() ? "" : is_last ? last : ", ", verb.name);
  }
  return names;
}

const Verb& find_verb(const std::string& name) {
  for (const Verb& verb : kVerbs)
    if (verb.name == name) return verb;
  throw zoo::UsageError(fmt::format("unknown verb '{}'; known are {}", name, verb_names(" and ")));
}

void add_options(zoo::CommandLine& app, Request& r) {
  zoo::make_required(zoo::add_text(app, "verb", r.verb, verb_names(" or ")));
  zoo::add_model_options(app, r.model);
  zoo::add_input_options(app, r.input);
  zoo::add_option(app, "Lens", "top", r.top, "Tokens a cell");
  zoo::add_option(app, "Induction", "length", r.length, "Random tokens, which come twice");
  zoo::add_option(app, "Induction", "sequences", r.sequences, "Sequences to average over");
  zoo::add_option(app, "Induction", "seed", r.seed, "Seed of the random tokens");
  zoo::add_option(app, "Patch", "corrupted", r.corrupted,
                  "The text with words changed, as many tokens");
  zoo::add_option(app, "Patch", "answer", r.answer,
                  "Next token after the text (unset: what the model says)");
  zoo::add_option(app, "Patch", "other", r.other,
                  "Next token after the corrupted text (unset: what the model says)");
  zoo::add_option(app, "Patch", "what", r.patched, "What is patched");
  zoo::add_option(app, "Output", "out", r.out, "Folder for a page, pictures and JSON");
  zoo::add_option(app, "Output", "json", r.as_json, "Print one JSON object");
}

void check(zoo::CommandLine& app, const Request& r) {
  for (const Verb& other : kVerbs) {
    if (other.name != r.verb)
      zoo::refuse_group(app, other.group, fmt::format("is for the verb {}", other.name));
  }
  if (r.top < 1) throw zoo::UsageError("--top must be 1 or more");
  if (r.sequences < 1) throw zoo::UsageError("--sequences must be 1 or more");
  if (r.verb == "patch" && !r.corrupted)
    throw zoo::UsageError("patch compares two texts: give --text and --corrupted");
  if (r.verb == "induction" && (r.input.text || r.input.source || !r.input.image.empty()))
    throw zoo::UsageError("induction makes its own input; give --length instead of an input");
  if (!r.out.empty()) zoo::require_look_folder(r.out);
}

zoo::LookResult look(const zoo::OpenedInput& opened, const Request& r) {
  if (r.verb == "lens") return zoo::look_at_layers(opened, r.top);
  if (r.verb == "induction") {
    return zoo::look_for_induction(opened, r.length, r.sequences, static_cast<uint64_t>(r.seed));
  }
  if (r.verb == "heads") return zoo::look_at_heads(opened);
  if (r.verb == "patch")
    return zoo::look_at_patches(opened, {*r.corrupted, r.answer, r.other, r.patched});
  if (r.verb == "statistics") return zoo::look_at_statistics(opened);
  return zoo::look_at_embeddings(opened);
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("look_inside", [&] {
    Request request;
    zoo::CommandLine app{"Shows why a model answers as it does", "look_inside"};
    add_options(app, request);
    zoo::parse(app, argc, argv);
    const Verb& verb = find_verb(request.verb);
    check(app, request);

    const auto opened =
        zoo::open_input(request.model, request.input,
                        {.needs_head = verb.needs_head, .input_optional = verb.input_optional});
    const zoo::LookResult result = look(opened, request);
    std::vector<std::filesystem::path> files;
    if (!request.out.empty()) files = zoo::write_look(request.out, result);
    std::cout << (request.as_json ? zoo::json_line(result.json) + "\n" : zoo::look_text(result));
    for (const auto& file : files)
      (request.as_json ? std::cerr : std::cout) << file.string() << '\n';
    return 0;
  });
}
