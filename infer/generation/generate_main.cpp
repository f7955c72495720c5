// Continues texts with a language model:
//   generate --model runs/shakespeare "ROMEO:" --max-new-tokens 300 --temperature 0.8
// Prompts: arguments, or lines of --file, or lines of standard input; without any, one empty
// prompt, which starts from the tokenizer's beginning-of-text token or a line feed. --interactive
// asks for one prompt after the other, and so does a terminal without prompts.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/line_editor.h"
#include "app/run_app.h"
#include "app/terminal.h"
#include "base/interrupt.h"
#include "base/text_file.h"
#include "infer/generation/generation_defaults.h"
#include "infer/generation/generation_session.h"
#include "infer/show_ids.h"

namespace {

struct Input {
  std::vector<std::string> prompts;
  std::filesystem::path file;
  bool interactive = false, show_ids = false;
};

std::vector<std::string> read_prompts(const Input& input) {
  if (!input.prompts.empty()) return input.prompts;
  auto lines = zoo::read_lines(input.file);
  if (lines.empty()) lines.emplace_back();
  return lines;
}

/// The model of --draft, on the device of the model; none without a folder.
zoo::Gpt load_draft(const std::filesystem::path& folder, zoo::ModelChoice choice) {
  if (folder.empty()) return nullptr;
  choice.folder = folder;
  return zoo::load_language_model(choice).model;
}

/// 130 is what a shell expects of a program that Ctrl-C ended.
int run_once(zoo::GenerationSession& session, const Input& input, const std::string& note) {
  const auto prompts = read_prompts(input);
  const auto ids = session.ids_of(prompts);
  std::cerr << note;
  for (size_t n = 0; input.show_ids && n < ids.size(); ++n)
    zoo::show_ids(std::cerr, "prompt", n + 1, session.tokenizer(), ids[n]);
  const zoo::InterruptGuard guard;
  const auto began = std::chrono::steady_clock::now();
  const bool whole = session.run(prompts);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::cerr << fmt::format("{} tokens in {:.2f} s: {:.0f} tokens/s\n", session.new_tokens(),
                           seconds.count(), session.new_tokens() / seconds.count());
  return whole ? 0 : 130;
}

/// One prompt a line. Ctrl-C ends the text under way; at the question it ends the program, as
/// Ctrl-D does. The n-th question draws from the n-th random streams, so that a question asked
/// twice gets two answers.
int run_interactive(zoo::GenerationSession& session, const Input& input, int64_t samples,
                    const std::string& note) {
  std::cerr << note;
  if (zoo::stdin_is_a_terminal())
    std::cerr << "Type a prompt and Enter. Ctrl-C stops a text, Ctrl-D ends the program.\n";
  int64_t first_sample = 0;
  zoo::LineEditor editor("> ");
  for (std::string prompt; editor.next(prompt); first_sample += samples) {
    const zoo::InterruptGuard guard;
    try {
      if (input.show_ids)
        zoo::show_ids(std::cerr, "prompt", 1, session.tokenizer(), session.ids_of({prompt})[0]);
      session.run({prompt}, first_sample);
    } catch (const std::runtime_error& error) {  // this prompt, not the next one
      std::cerr << "generate: " << error.what() << '\n';
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("generate", [&] {
    zoo::ModelChoice model;
    zoo::LengthOptions lengths;
    // What the reference's text-generation pipeline does where neither file nor caller says.
    zoo::DecodeRequest request{
        .options = {.max_new_tokens = 256, .seed = 1, .sampling = {.temperature = 0.7}}};
    zoo::DecodeOptions& generate = request.options;
    zoo::SessionOptions session_options;
    Input input;

    zoo::CommandLine app{"Continues texts with a language model, printing as it goes", "generate"};
    zoo::add_texts(app, "prompt", input.prompts, "Texts to continue");
    zoo::add_option(app, "Input", "file", input.file, "Prompts from a file, one a line");
    zoo::add_option(app, "Input", "interactive", input.interactive, "Ask for prompts");
    zoo::add_model_options(app, model);
    zoo::describe(app, "threads",
                  "Threads of the CPU (0: all cores; one for models below 10 million weights)");
    zoo::add_options(app, "Longer texts", lengths);
    zoo::add_options(app, "Generation", request);
    zoo::add_options(app, "Generation", generate);
    zoo::add_option(app, "Generation", "num-assistant-tokens", generate.num_assistant_tokens,
                    "Tokens that a draft model proposes at a time");
    zoo::add_option(app, "Generation", "num-samples", generate.num_return_sequences,
                    "The same as --num-return-sequences");
    zoo::add_options(app, "Sampling", generate.sampling);
    zoo::add_options(app, "Penalties and constraints", generate.processors);
    zoo::add_options(app, "Beam search", generate.beams);
    zoo::add_options(app, "Text", session_options);
    zoo::add_show_ids(app, input.show_ids);
    zoo::set_help(
        app,
        {"generate --model runs/shakespeare \"ROMEO:\" --max-new-tokens 300 --temperature 0.8",
         "generate --model runs/shakespeare --interactive"},
        {"file", "interactive", "device", "threads", "max-new-tokens", "num-return-sequences",
         "seed", "temperature", "top-k", "top-p", "num-beams", "stop", "json"});
    zoo::parse(app, argc, argv);
    for (std::string& name : zoo::given_flags(app, argc, argv))
      request.given.insert(std::move(name));
    if (request.has("num-samples")) request.given.insert("num-return-sequences");
    request.stop = session_options.stop;
    const int ways = !input.prompts.empty() + !input.file.empty() + input.interactive;
    if (ways > 1)
      throw zoo::UsageError(
          "give prompts as arguments, with --file, or with --interactive: in one way only");
    if (ways == 0 && zoo::stdin_is_a_terminal()) input.interactive = true;

    auto settled = zoo::settle(request, zoo::read_generation_config(model.folder),
                               /*samples=*/true, !session_options.draft.empty());
    session_options.stop = settled.stop;
    zoo::check_session(settled.options, session_options);
    auto loaded = zoo::load_language_model(model, /*head_optional=*/false, lengths);
    loaded.eos_ids = settled.options.eos_ids;
    zoo::fit_to_vocabulary(settled, loaded.model->options.vocab_size);
    const auto draft = load_draft(session_options.draft, model);
    zoo::GenerationSession session(std::move(loaded), settled.options, session_options, std::cout,
                                   draft);
    const std::string note = settled.note.empty() ? "" : "generate: " + settled.note + "\n";
    return input.interactive
               ? run_interactive(session, input, settled.options.num_return_sequences, note)
               : run_once(session, input, note);
  });
}
