// Translates texts with an encoder-decoder:
//   translate --model runs/en-fr "Click the button." --num-beams 4
// Texts: arguments, or lines of --file, or lines of standard input; one translation a line, or with
// --json one object a line. With --references the program also scores what it made.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/progress_bar.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/note.h"
#include "base/text_file.h"
#include "infer/generation/generation_defaults.h"
#include "infer/generation/word_tokens.h"
#include "infer/model_choice.h"
#include "infer/scores/score_flags.h"
#include "infer/scores/score_report.h"
#include "infer/show_ids.h"
#include "infer/translation/languages.h"
#include "infer/translation/translator.h"

namespace {

using namespace zoo;

constexpr int64_t kAsTheSource = 0;  // as many new tokens as the source's length asks for

struct Request {
  std::vector<std::string> texts, force_words, references;
  std::filesystem::path file, alignment;
  ModelChoice model;
  Languages languages;
  std::string source_language = "source", target_language = "target";
  int64_t batch_size = 32;
  bool json = false, show_ids = false;
  DecodeRequest decode{.options = {.max_new_tokens = kAsTheSource, .seed = 1}};
};

std::vector<std::string> read_texts(const Request& request) {
  return request.texts.empty() ? read_lines(request.file) : request.texts;
}

void declare(CLI::App& app, Request& request) {
  add_texts(app, "text", request.texts, "Texts to translate");
  add_option(app, "Input", "file", request.file, "Texts from a file, one a line");
  add_option(app, "Input", "from", request.languages.from,
             "Code of the texts' language, for mBART and the like: en_XX (unset: the folder's)");
  add_option(app, "Input", "to", request.languages.to,
             "Code of the language to translate to: de_DE");
  add_option(app, "Input", "references", request.references,
             "A file with the right translations, one a line: prints scores");
  add_option(app, "Output", "json", request.json,
             "One JSON object a translation: input, text, score, rank, tokens, truncated");
  add_option(app, "Output", "page", request.alignment,
             "An HTML file with a picture of each translation's attention to the source");
  add_option(app, "Output", "source-language", request.source_language,
             "Name of the pictures' horizontal axis");
  add_option(app, "Output", "target-language", request.target_language,
             "Name of their vertical axis");
  add_show_ids(app, request.show_ids);
  add_model_options(app, request.model);
  describe(app, "threads", "CPU threads (0: all cores, but one for small models)");
  describe(app, "attention",
           "Attention kernel (unset: as trained; matmul with --coverage-penalty)");
  add_option(app, "Model", "batch-size", request.batch_size, "Texts translated together");
  add_options(app, "Decoding", request.decode);
  add_option(app, "Decoding", "decoder-start-token-id", request.decode.decoder_start,
             "Id that a translation starts from, instead of the folder's");
  add_options(app, "Decoding", request.decode.options);
  describe(app, "max-new-tokens",
           "Longest translation in tokens (0: twice the source and some more)");
  add_options(app, "Beam search", request.decode.options.beams);
  add_option(app, "Beam search", "force-words", request.force_words,
             "Write this in every translation; a|b: one of them");
  add_options(app, "Sampling", request.decode.options.sampling);
  add_options(app, "Scores", request.decode.options.processors);
}

/// What the options alone can get wrong; before a model is loaded.
void check(const Request& request, const ScoreFlags& flags) {
  if (request.batch_size < 1)
    throw UsageError(fmt::format("--batch-size must be 1 or more, got {}", request.batch_size));
  if (!request.texts.empty() && !request.file.empty())
    throw UsageError("give texts as arguments or with --file, not both");
  const Request usual;
  if (request.alignment.empty() && (request.source_language != usual.source_language ||
                                    request.target_language != usual.target_language))
    throw UsageError(
        "--source-language and --target-language name the axes of --page's pictures; give "
        "that, too");
  if (request.references.empty() && !flags.given().empty()) {
    throw UsageError(flags.given().front() + " is for scores: give --references, too");
  }
  flags.metrics();  // refuses values that mean nothing
}

/// Flags, the folder's settings and our defaults; before a model is loaded.
SettledDecoding settled(const Request& request) {
  DecodeRequest decode = request.decode;
  // The tests of options know no open length.
  constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();
  int64_t& longest = decode.options.max_new_tokens;
  if (longest == kAsTheSource) longest = kOpen;
  auto made = settle(decode, read_generation_config(request.model.folder), /*samples=*/false);
  if (made.options.max_new_tokens == kOpen) made.options.max_new_tokens = kAsTheSource;
  if (!made.stop.empty()) {
    throw std::runtime_error(
        "generation_config.json: \"stop_strings\" are not honoured by translate; give "
        "--generation-config=false, and what else of the file you want as flags");
  }
  check_forced_words(request.force_words, made.options.beams.num_beams);
  return made;
}

/// A line a translation, whatever a model writes: line i answers line i.
std::string on_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

void print(const Translation& made, const std::vector<std::string>& texts, bool json) {
  if (!json) {
    std::cout << on_one_line(made.text) << '\n';
    return;
  }
  const std::string& source = texts[static_cast<size_t>(made.source)];
  const nlohmann::json line = {
      {"input", source},          {"source", source},  // the names of earlier versions
      {"translation", made.text}, {"text", made.text},     {"score", made.score},
      {"rank", made.rank},        {"tokens", made.tokens}, {"truncated", made.truncated}};
  std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_scores(const std::vector<Translation>& made, const References& references,
                  const ScoreFlags& flags) {
  std::vector<std::string> best;
  for (const auto& translation : made)
    if (translation.rank == 0) best.push_back(translation.text);
  for (const auto& warning : flags.warnings(best)) std::cerr << "translate: " << warning << '\n';
  for (const auto& metric : flags.metrics()) {
    const auto score = corpus_score(*metric, best, references);
    std::cerr << score_line(*metric, score, signature(*metric, references), 2) << '\n';
  }
}

/// "1 text", "2 texts"
std::string counted(size_t texts) { return fmt::format("{} text{}", texts, texts == 1 ? "" : "s"); }

/// Of each text's best translation.
void write_alignments(const Translator& translator, const std::vector<std::string>& texts,
                      const std::vector<Translation>& made, const Request& request) {
  std::vector<Alignment> alignments;
  for (const auto& translation : made) {
    if (translation.rank > 0) continue;
    const auto& source = texts[static_cast<size_t>(translation.source)];
    alignments.push_back(translator.align(source, translation));
  }
  write_file(request.alignment,
             alignment_page(alignments, request.source_language, request.target_language));
  note(fmt::format("page: {}", request.alignment.string()));
}

int run(Request request, const ScoreFlags& flags) {
  SettledDecoding decoding = settled(request);
  if (decoding.options.beams.coverage_penalty != 0.0 && request.model.attention.empty())
    request.model.attention = "matmul";
  const auto device = prepare(request.model);
  const auto& folder = request.model.folder;
  const auto loaded = load_translation_model(folder, device, request.model.attention);
  // Where --to says what a target starts from, the folder need not.
  if (!request.languages.to.empty() && !decoding.ids.decoder_start && !decoding.ids.bos)
    decoding.ids.decoder_start = loaded.target->id_of(request.languages.to);
  PairFormat format = folder_format(*loaded.source, decoding.ids, loaded.ours);
  set_languages(request.languages, *loaded.source, *loaded.target, format, decoding.options);
  const Translator translator(*loaded.model, *loaded.source, *loaded.target, std::move(format));
  fit_to_vocabulary(decoding, loaded.model->module().target_vocab_size());
  const auto texts = read_texts(request);
  References references;
  if (!request.references.empty()) {
    references = read_references(request.references, texts.size(), "the input",
                                 flags.skips_empty_references());
  }
  const auto ids = translator.ids_of(texts);
  if (!decoding.note.empty()) std::cerr << "translate: " << decoding.note << '\n';
  for (size_t n = 0; request.show_ids && n < texts.size(); ++n)
    show_ids(std::cerr, "source", n + 1, *loaded.source, ids[n]);
  const InterruptGuard guard;
  ProgressBar bar("translating", std::ssize(texts));
  decoding.options.interrupted = [] { return InterruptGuard::requested(); };
  const auto began = std::chrono::steady_clock::now();
  const auto made =
      translator.translate(texts, {.decode = decoding.options,
                                   .force_words = request.force_words,
                                   .batch_size = request.batch_size,
                                   .on_progress = [&](int64_t done) { bar.update(done, ""); }});
  bar.finish();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  if (InterruptGuard::requested()) return 130;  // half of the lines would be taken for all of them
  for (const auto& translation : made) print(translation, texts, request.json);
  std::cout.flush();
  std::cerr << fmt::format("{} in {:.2f} s\n", counted(texts.size()), seconds.count());
  const auto cut =
      std::ranges::count_if(made, [](const Translation& t) { return t.truncated && t.rank == 0; });
  if (cut > 0) {
    std::cerr << fmt::format(
        "translate: {} longer than the model's {} tokens; only the beginning was translated\n",
        cut == 1 ? "1 text was" : fmt::format("{} texts were", cut),
        loaded.model->module().longest());
  }
  if (!references.empty()) print_scores(made, references, flags);
  if (!request.alignment.empty()) write_alignments(translator, texts, made, request);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_app("translate", [&] {
    Request request;
    zoo::CommandLine app{"Translates texts with an encoder-decoder, Transformer or recurrent",
                         "translate"};
    declare(app, request);
    const ScoreFlags flags(app, {ScoreMetric::kBleu, ScoreMetric::kChrf});
    set_help(
        app,
        {"translate --model runs/en-fr \"Click the button.\" --num-beams 4",
         "translate --model runs/en-fr --file data/en-fr/test.en --references data/en-fr/test.fr"},
        {"file", "references", "json", "page", "device", "threads", "batch-size", "max-new-tokens",
         "num-return-sequences", "do-sample", "seed", "temperature", "num-beams", "length-penalty",
         "metric"});
    parse(app, argc, argv);
    for (std::string& name : given_flags(app, argc, argv))
      request.decode.given.insert(std::move(name));
    check(request, flags);
    return run(request, flags);
  });
}
