// Why does a model answer as it does?
//   look_inside lens --model runs/shakespeare --text "To be, or not to"
//   look_inside induction --model runs/shakespeare --length 25
//   look_inside heads --model runs/shakespeare --text "To be, or not to be" --out heads
//   look_inside patch --model gpt2 --text "The cat sat" --corrupted "The dog sat" --out patch
//   look_inside embeddings --model runs/shakespeare --text "abcdef" --out embeddings
//   look_inside statistics --model runs/shakespeare --text "To be, or not to be"
//   look_inside probe --model bert --data reviews.tsv --seed 1
//   look_inside influence --model runs/genres --data reviews.tsv --text "A fine film" --label good
// Prints the answer and tables; --out writes a page, PNG files and JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/usage_error.h"
#include "infer/analysis/look_inside.h"

namespace {

struct Request {
  std::string verb;
  zoo::ModelChoice model{.attention = "matmul"};
  zoo::LookedAt input;
  int64_t top = 5, length = 25, sequences = 8, seed = 1;
  std::optional<std::string> corrupted, answer, other;
  zoo::LayerPart patched = zoo::LayerPart::kResidual;
  zoo::ExampleFile file;
  zoo::ProbeOptions probe;
  zoo::InfluenceQuestion influence;
  std::filesystem::path out;
  bool as_json = false;
};

struct Verb {
  const char* name;
  bool needs_head, input_optional;
};
constexpr Verb kVerbs[] = {{"lens", true, false},       {"induction", true, true},
                           {"heads", true, false},      {"patch", true, false},
                           {"embeddings", false, true}, {"statistics", false, false},
                           {"probe", false, true},      {"influence", false, false}};

/// A heading of --help, and the verbs that its options are for.
struct Group {
  const char* heading;
  std::vector<std::string> verbs;
};
const Group kGroups[] = {
    {"Shown", {"lens", "influence"}},     {"Random numbers", {"induction", "probe"}},
    {"Induction", {"induction"}},         {"Patch", {"patch"}},
    {"Examples", {"probe", "influence"}}, {"Probe", {"probe"}},
    {"Influence", {"influence"}}};

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

void add_example_options(zoo::CommandLine& app, Request& r) {
  zoo::add_option(
      app, "Examples", "data", r.file.data,
      "Lines label<TAB>text, as train_bert reads; a ViT's: class folders. influence of a "
      "GPT: a text a line");
  zoo::add_option(app, "Examples", "pool", r.file.pool, "One vector of many tokens");
  zoo::add_option(app, "Examples", "decay", r.probe.decay, "Weight decay of a probe or head");
  zoo::add_option(app, "Probe", "words", r.file.words,
                  "The file has a word and its tag a line, and an empty line after each sentence");
  zoo::add_option(app, "Probe", "held-out", r.probe.held_out, "Share of examples to judge by");
  zoo::add_option(app, "Influence", "method", r.influence.method,
                  "Products of gradients, or influence functions of a head on one layer's states");
  zoo::add_option(app, "Influence", "label", r.influence.label,
                  "Of the text (unset: what the model says)");
  zoo::add_option(app, "Influence", "layer", r.influence.layer,
                  "Whose states the head reads (unset: the last)");
  zoo::add_option(app, "Influence", "damping", r.influence.damping,
                  "Added to the diagonal of the head's Hessian");
  zoo::add_option(app, "Influence", "retrain", r.influence.retrain,
                  "Compare with leaving out each example and fitting the head again");
}

void add_options(zoo::CommandLine& app, Request& r) {
  zoo::make_required(zoo::add_text(app, "verb", r.verb, verb_names(" or ")));
  zoo::add_model_options(app, r.model);
  zoo::add_input_options(app, r.input);
  zoo::add_option(app, "Shown", "top", r.top, "Tokens a cell (lens), examples (influence)");
  zoo::add_option(app, "Random numbers", "seed", r.seed,
                  "Of the random tokens (induction); of the held-out examples and the control");
  zoo::add_option(app, "Induction", "length", r.length, "Random tokens, which come twice");
  zoo::add_option(app, "Induction", "sequences", r.sequences, "Sequences to average over");
  zoo::add_option(app, "Patch", "corrupted", r.corrupted,
                  "The text with words changed, as many tokens");
  zoo::add_option(app, "Patch", "answer", r.answer,
                  "Next token after the text (unset: what the model says)");
  zoo::add_option(app, "Patch", "other", r.other,
                  "Next token after the corrupted text (unset: what the model says)");
  zoo::add_option(app, "Patch", "what", r.patched, "What is patched");
  add_example_options(app, r);
  zoo::add_option(app, "Output", "out", r.out, "Folder for a page, pictures and JSON");
  zoo::add_option(app, "Output", "json", r.as_json, "Print one JSON object");
}

bool has_input(const zoo::LookedAt& input) {
  return input.text || input.pair || input.source || input.target || !input.image.empty();
}

void check_examples(const Request& r) {
  if (r.file.data.empty()) {
    throw zoo::UsageError(
        fmt::format("{} needs examples: give a file with --data, lines label<TAB>text", r.verb));
  }
  if (r.verb == "probe" && has_input(r.input))
    throw zoo::UsageError("probe reads the examples of --data; leave the input out");
  const bool of_head = r.influence.method == zoo::InfluenceMethod::kHead;
  if (!of_head && (r.influence.layer || r.influence.damping != 0 || r.influence.retrain))
    throw zoo::UsageError("--layer, --damping and --retrain are for --method head");
  if (r.influence.damping < 0) throw zoo::UsageError("--damping must be 0 or more");
}

void check(zoo::CommandLine& app, const Request& r) {
  for (const Group& group : kGroups) {
    if (std::ranges::find(group.verbs, r.verb) != group.verbs.end()) continue;
    zoo::refuse_group(app, group.heading,
                      fmt::format("is for the verb{} {}", group.verbs.size() > 1 ? "s" : "",
                                  fmt::join(group.verbs, " and ")));
  }
  if (r.verb == "probe" || r.verb == "influence") check_examples(r);
  if (r.top < 1) throw zoo::UsageError("--top must be 1 or more");
  if (r.sequences < 1) throw zoo::UsageError("--sequences must be 1 or more");
  if (r.verb == "patch" && !r.corrupted)
    throw zoo::UsageError("patch compares two texts: give --text and --corrupted");
  if (r.verb == "induction" && has_input(r.input))
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
  auto file = r.file;
  file.model = r.model.folder;
  if (r.verb == "probe") {
    auto options = r.probe;
    options.seed = static_cast<uint64_t>(r.seed);
    return zoo::look_with_probes(opened, file, options);
  }
  if (r.verb == "influence") {
    auto question = r.influence;
    question.decay = r.probe.decay;
    question.top = r.top;
    return zoo::look_for_influence(opened, r.input, file, question);
  }
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
