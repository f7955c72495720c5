#include "infer/analysis/look_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "base/usage_error.h"
#include "models/device.h"

namespace zoo {
namespace {

struct Verb {
  const char* name;
  bool needs_head, input_optional;
};
constexpr Verb kVerbs[] = {
    {"lens", true, false},  {"induction", true, true},   {"heads", true, false},
    {"patch", true, false}, {"embeddings", false, true}, {"statistics", false, false},
    {"probe", false, true}, {"influence", false, false}, {"needle", true, true}};

/// A heading of --help, and the verbs that its options are for.
struct Group {
  const char* heading;
  std::vector<std::string> verbs;
};
const Group kGroups[] = {
    {"Shown", {"lens", "influence"}},     {"Random numbers", {"induction", "probe", "needle"}},
    {"Induction", {"induction"}},         {"Patch", {"patch"}},
    {"Examples", {"probe", "influence"}}, {"Probe", {"probe"}},
    {"Influence", {"influence"}},         {"Longer texts", {"needle"}}};

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
  throw UsageError(fmt::format("unknown verb '{}'; known are {}", name, verb_names(" and ")));
}

void add_example_options(CommandLine& app, LookRequest& r) {
  add_option(app, "Examples", "data", r.file.data,
             "Lines label<TAB>text, as train_bert reads; a ViT's: class folders. influence of a "
             "GPT: a text a line");
  add_option(app, "Examples", "pool", r.file.pool, "How the vectors of many tokens become one");
  add_option(app, "Examples", "decay", r.probe.decay, "Weight decay of a probe or head");
  add_option(app, "Probe", "words", r.file.words,
             "The file has a word and its tag a line, and an empty line after each sentence");
  add_option(app, "Probe", "held-out", r.probe.held_out, "Share of examples to judge by");
  add_option(app, "Influence", "method", r.influence.method,
             "Products of gradients, or influence functions of a head on one layer's states");
  add_option(app, "Influence", "label", r.influence.label,
             "Label of the text (unset: what the model says)");
  add_option(app, "Influence", "layer", r.influence.layer,
             "Layer whose states the head reads (unset: the last)");
  add_option(app, "Influence", "damping", r.influence.damping,
             "Added to the diagonal of the head's Hessian");
  add_option(app, "Influence", "retrain", r.influence.retrain,
             "Compare with leaving out each example and fitting the head again");
}

bool has_input(const LookedAt& input) {
  return input.text || input.pair || input.source || input.target || !input.image.empty();
}

void check_examples(const LookRequest& r) {
  if (r.file.data.empty()) {
    throw UsageError(
        fmt::format("{} needs examples: give a file with --data, lines label<TAB>text", r.verb));
  }
  if (r.verb == "probe" && has_input(r.input))
    throw UsageError("probe reads the examples of --data; leave the input out");
  const bool of_head = r.influence.method == InfluenceMethod::kHead;
  if (!of_head && (r.influence.layer || r.influence.damping != 0 || r.influence.retrain))
    throw UsageError("--layer, --damping and --retrain are for --method head");
  if (r.influence.damping < 0) throw UsageError("--damping must be 0 or more");
}

}  // namespace

void add_look_options(CommandLine& app, LookRequest& r) {
  make_required(add_text(app, "verb", r.verb, verb_names(" or ")));
  add_model_options(app, r.model);
  add_input_options(app, r.input);
  add_option(app, "Shown", "top", r.top, "Tokens in each cell (lens), or examples (influence)");
  add_option(
      app, "Random numbers", "seed", r.seed,
      "Of random tokens and texts (induction, needle); of held-out examples and the control");
  add_option(app, "Induction", "length", r.length, "Random tokens, which come twice");
  add_option(app, "Induction", "sequences", r.sequences, "Sequences to average over");
  add_option(app, "Patch", "corrupted", r.corrupted,
             "The text with some words changed; it must have as many tokens");
  add_option(app, "Patch", "answer", r.answer,
             "Next token after the text (unset: what the model says)");
  add_option(app, "Patch", "other", r.other,
             "Next token after the corrupted text (unset: what the model says)");
  add_option(app, "Patch", "what", r.patched, "What is patched");
  add_example_options(app, r);
  add_options(app, "Longer texts", r.lengths);
  add_option(app, "Output", "out", r.out, "Folder for a page, pictures and JSON");
  add_option(app, "Output", "json", r.as_json, "Print one JSON object");
}

void check_look_options(CommandLine& app, const LookRequest& r) {
  find_verb(r.verb);
  for (const Group& group : kGroups) {
    if (std::ranges::find(group.verbs, r.verb) != group.verbs.end()) continue;
    refuse_group(app, group.heading,
                 fmt::format("is for the verb{} {}", group.verbs.size() > 1 ? "s" : "",
                             fmt::join(group.verbs, " and ")));
  }
  if (r.verb == "probe" || r.verb == "influence") check_examples(r);
  if (r.top < 1) throw UsageError("--top must be 1 or more");
  if (r.sequences < 1) throw UsageError("--sequences must be 1 or more");
  if (r.verb == "patch" && !r.corrupted)
    throw UsageError("patch compares two texts: give --text and --corrupted");
  if (r.verb == "induction" && has_input(r.input))
    throw UsageError("induction makes its own input; give --length instead of an input");
  if (r.verb == "needle" && has_input(r.input))
    throw UsageError("needle makes its own texts; leave the input out");
  if (!r.out.empty()) require_look_folder(r.out);
}

OpenedInput open_for_look(const LookRequest& r) {
  const Verb& verb = find_verb(r.verb);
  const bool by_gradients =
      r.verb == "influence" && r.influence.method == InfluenceMethod::kGradient;
  return open_input(
      r.model, r.input,
      {.needs_head = verb.needs_head || by_gradients, .input_optional = verb.input_optional});
}

LookResult look(const OpenedInput& opened, const LookRequest& r) {
  if (r.verb == "lens") return look_at_layers(opened, r.top);
  if (r.verb == "induction") {
    return look_for_induction(opened, r.length, r.sequences, static_cast<uint64_t>(r.seed));
  }
  if (r.verb == "needle") {
    const auto device = find_device(r.model.device);
    if (opened.as<GptImpl>() == nullptr)
      throw std::runtime_error("needle reads decoders of text; this model is none");
    return look_for_needle(r.model.folder, {.device = device, .attention = r.model.attention},
                           *load_tokenizer(r.model.folder), r.lengths,
                           static_cast<uint64_t>(r.seed));
  }
  if (r.verb == "heads") return look_at_heads(opened);
  if (r.verb == "patch")
    return look_at_patches(opened, {*r.corrupted, r.answer, r.other, r.patched});
  if (r.verb == "statistics") return look_at_statistics(opened);
  auto file = r.file;
  file.model = r.model.folder;
  if (r.verb == "probe") {
    auto options = r.probe;
    options.seed = static_cast<uint64_t>(r.seed);
    return look_with_probes(opened, file, options);
  }
  if (r.verb == "influence") {
    auto question = r.influence;
    question.decay = r.probe.decay;
    question.top = r.top;
    return look_for_influence(opened, r.input, file, question);
  }
  return look_at_embeddings(opened);
}

}  // namespace zoo
