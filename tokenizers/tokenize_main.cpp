// Text to ids and back, line by line from standard input, and tokenizers compared:
//   echo 'to be or not' | tokenize --tokenizer runs/bpe encode
//   echo '[316, 275]' | tokenize --tokenizer runs/bpe decode
//   tokenize compare --tokenizer runs/bpe --tokenizer runs/wordpiece --file input.txt --page
//   compare.html
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/note.h"
#include "base/text_file.h"
#include "tokenizers/batch.h"
#include "tokenizers/batch_sides.h"
#include "tokenizers/comparison/comparison.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/tokenizer.h"

namespace {

using nlohmann::json;

constexpr const char* kSplits = "encode with SentencePiece";

struct Options {
  std::vector<std::string> tokenizers;
  std::string verb, file, page;
  bool special = false, skip_special = false, as_json = false, plain = false, target = false;
  bool pieces = false, offsets = false, pair = false, batch = false;
  zoo::Truncation truncation = zoo::Truncation::kLongestFirst;
  int64_t max_length = 0;
  std::optional<double> sample;
  std::optional<int64_t> nbest;
  int64_t seed = 1;
  bool draws() const { return sample || nbest; }
};

/// U+2028 and its like inside a string would end the line for some readers.
std::string dump(const json& value, bool ascii = false) {
  return value.dump(-1, ' ', ascii, json::error_handler_t::replace);
}

int each_line(const std::function<std::string(const std::string& line)>& work) {
  std::string line;
  for (int64_t number = 1; zoo::read_raw_line(std::cin, line); ++number) {
    try {
      std::cout << work(line) << '\n';
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return 0;
}

// ---- encode ----
std::string read_text(const Options& o, const std::string& line) {
  if (!o.as_json) return line;
  const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_string()) throw std::runtime_error("expected a JSON string (--json)");
  return parsed.get<std::string>();
}

/// A text, or two with a tab between them.
zoo::TextPair read_texts(const Options& o, const std::string& text) {
  if (!o.pair) return {.a = text};
  const size_t tab = text.find('\t');
  if (tab == std::string::npos) {
    throw std::runtime_error("expected two texts with a tab between them (--pair)");
  }
  return {.a = std::string_view(text).substr(0, tab), .b = std::string_view(text).substr(tab + 1)};
}

std::string show_ids(const std::vector<int32_t>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ", "));
}

std::string show(const zoo::Tokenizer& tokenizer, const Options& o, const zoo::Encoding& encoding) {
  if (!o.pieces && !o.offsets) return show_ids(encoding.ids);
  json list = json::array();
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const std::string piece = tokenizer.piece_of(encoding.ids[i]);
    const auto& [begin, end] = encoding.offsets[i];
    if (!o.offsets) {
      list.push_back(piece);
    } else if (o.pieces) {
      list.push_back(json::array({piece, begin, end}));
    } else {
      list.push_back(json::array({begin, end}));
    }
  }
  return dump(list);
}

/// Lines in turn: the first line's split does not depend on how many follow.
int encode_splits(const zoo::SentencePieceTokenizer& tokenizer, const Options& o) {
  std::mt19937_64 seeds(static_cast<uint64_t>(o.seed));
  const auto show_split = [&](std::vector<int32_t> ids) {
    zoo::Encoding bare;
    bare.ids = std::move(ids);
    const zoo::Encoding whole = zoo::finish_encoding(tokenizer, std::move(bare),
                                                     {.add_special = o.special, .details = false});
    if (!o.pieces) return show_ids(whole.ids);
    json pieces = json::array();
    for (const int32_t id : whole.ids) pieces.push_back(tokenizer.piece_of(id));
    return dump(pieces);
  };
  return each_line([&](const std::string& line) {
    const std::string text = read_text(o, line);
    if (o.sample) {
      const auto out_of = static_cast<int>(o.nbest.value_or(-1));
      return show_split(tokenizer.sample(text, *o.sample, out_of, seeds()));
    }
    std::vector<std::string> splits;
    for (auto& [ids, score] : tokenizer.nbest(text, static_cast<size_t>(*o.nbest))) {
      splits.push_back(fmt::format(R"({{"score": {}, "{}": {}}})", score,
                                   o.pieces ? "pieces" : "ids", show_split(std::move(ids))));
    }
    return fmt::format("[{}]", fmt::join(splits, ", "));
  });
}

std::string encode_line(const zoo::Tokenizer& tokenizer, const Options& o,
                        const std::string& line) {
  const std::string text = read_text(o, line);
  const zoo::TextPair texts = read_texts(o, text);
  const zoo::EncodeOptions options{
      .add_special = o.special, .recognise_added = !o.plain, .details = o.pieces || o.offsets};
  return show(tokenizer, o,
              texts.b ? zoo::encode_pair(tokenizer, texts.a, *texts.b, options)
                      : tokenizer.encode(texts.a, options));
}

/// All lines as one rectangle, as models take it.
int encode_as_batch(const zoo::Tokenizer& tokenizer, const Options& o) {
  std::vector<std::string> lines;
  for (std::string line; zoo::read_raw_line(std::cin, line);) lines.push_back(read_text(o, line));
  std::vector<zoo::TextPair> texts;
  for (const std::string& line : lines) texts.push_back(read_texts(o, line));
  const zoo::BatchSides sides = zoo::batch_sides(o.tokenizers.front());
  const zoo::Batch batch = zoo::encode_batch(tokenizer, texts,
                                             {.add_special = o.special,
                                              .truncation = o.truncation,
                                              .max_length = static_cast<size_t>(o.max_length),
                                              .truncation_side = sides.truncation,
                                              .padding_side = sides.padding});
  const nlohmann::ordered_json whole = {{"input_ids", batch.ids},
                                        {"attention_mask", batch.attention_mask},
                                        {"token_type_ids", batch.type_ids}};
  std::cout << whole.dump() << '\n';
  return 0;
}

// ---- decode ----
std::string decode_line(const zoo::Tokenizer& tokenizer, const Options& o,
                        const std::string& line) {
  const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto fail = [] {
    throw std::runtime_error("expected a JSON array of ids, such as [12, 7]");
  };
  if (!parsed.is_array()) fail();
  std::vector<int32_t> ids;
  for (const json& id : parsed) {
    if (!id.is_number_integer()) fail();
    const auto value = id.get<int64_t>();
    if (value < 0 || value > INT32_MAX) {
      throw std::runtime_error(fmt::format("id {} is outside the vocabulary (0 to {})", id.dump(),
                                           tokenizer.vocab_size() - 1));
    }
    ids.push_back(static_cast<int32_t>(value));
  }
  const std::string text = tokenizer.decode(ids, o.skip_special);
  return o.as_json ? dump(text, /*ascii=*/true) : text;
}

// ---- compare ----
int compare(const Options& o) {
  const std::string text = o.file.empty()
                               ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                               : zoo::read_text_file(o.file);
  if (text.empty()) throw std::runtime_error("no text to compare on: name one with --file");
  std::vector<zoo::TokenizerReport> reports;
  for (const std::string& folder : o.tokenizers) {
    const auto tokenizer = zoo::load_tokenizer(folder, {.target = o.target});
    try {
      reports.push_back(zoo::measure_tokenizer(*tokenizer, folder, text));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}: {}", folder, error.what()));
    }
  }
  fmt::print("{}",
             o.as_json ? zoo::comparison_json(reports) + "\n" : zoo::comparison_table(reports));
  if (!o.page.empty()) {
    zoo::write_file(o.page, zoo::comparison_page(reports));
    zoo::note(fmt::format("page: {}", o.page));
  }
  return 0;
}

/// Complaints about --sample and --nbest that need no tokenizer.
void check_drawing(const Options& o) {
  if (o.verb != "encode") throw zoo::UsageError("--sample and --nbest are for the verb encode");
  if (o.plain || o.offsets || o.pair || o.batch) {
    throw zoo::UsageError(
        "--sample and --nbest do not go with --plain, --offsets, --pair, --batch");
  }
  constexpr int64_t kMostSplits = 1024;
  if (o.nbest && (*o.nbest < 1 || *o.nbest > kMostSplits)) {
    throw zoo::UsageError(fmt::format("--nbest must be 1 to {}, got {}", kMostSplits, *o.nbest));
  }
  if (o.sample && !(*o.sample >= 0 && std::isfinite(*o.sample))) {
    throw zoo::UsageError(fmt::format("--sample must be 0 or more, got {}", *o.sample));
  }
}

const zoo::SentencePieceTokenizer& as_sentencepiece(const zoo::Tokenizer& tokenizer,
                                                    const Options& o) {
  const auto* found = dynamic_cast<const zoo::SentencePieceTokenizer*>(&tokenizer);
  if (found == nullptr) {
    throw std::runtime_error(
        fmt::format("--sample and --nbest need a SentencePiece tokenizer with its .model file, {} "
                    "holds one of kind {}; leave them out",
                    o.tokenizers.front(), tokenizer.kind()));
  }
  const bool bpe = tokenizer.kind() == "sentencepiece-bpe";
  if (bpe && o.nbest) {
    throw std::runtime_error(fmt::format(
        "--nbest needs a unigram model, {} holds BPE, which gives no probabilities; leave it out",
        o.tokenizers.front()));
  }
  if (bpe && *o.sample > 1) {
    throw std::runtime_error(fmt::format(
        "--sample is the probability that BPE leaves a merge out, 0 to 1, got {}", *o.sample));
  }
  return *found;
}

int run(const Options& o) {
  if (o.draws()) check_drawing(o);
  if (o.verb == "compare") return compare(o);
  if (o.tokenizers.size() > 1)
    throw zoo::UsageError("several --tokenizer are for the verb compare");
  if (!o.batch && o.max_length != 0) throw zoo::UsageError("--max-length is for --batch");
  if (o.max_length < 0) throw zoo::UsageError("--max-length must not be negative");
  const auto tokenizer = zoo::load_tokenizer(o.tokenizers.front(), {.target = o.target});
  if (o.draws()) return encode_splits(as_sentencepiece(*tokenizer, o), o);
  if (o.verb == "encode" && o.batch) return encode_as_batch(*tokenizer, o);
  const auto work = o.verb == "encode" ? encode_line : decode_line;
  return each_line([&](const std::string& line) { return work(*tokenizer, o, line); });
}

void add_options(CLI::App& app, Options& o) {
  app.add_option("verb", o.verb,
                 "encode: text to a JSON array of ids; decode: the reverse; compare: a table of "
                 "several tokenizers on one text")
      ->required()
      ->check(CLI::IsMember({"encode", "decode", "compare"}));
  app.add_option("--tokenizer", o.tokenizers, "Folder with a tokenizer's files (repeatable)")
      ->required()
      ->allow_extra_args(false);
  app.add_flag("--json", o.as_json,
               "Text lines are JSON strings, so that they may hold any character; compare: print "
               "JSON");
  app.add_flag("--target", o.target, "The target side of a translation model's tokenizer");
  const char* encode = "encode";
  app.add_flag("--special", o.special, "Add the special tokens of the tokenizer's template")
      ->group(encode);
  app.add_flag("--plain", o.plain, "Special tokens written in the text are text")->group(encode);
  app.add_flag("--pieces", o.pieces, "Print pieces instead of ids")->group(encode);
  app.add_flag("--offsets", o.offsets,
               "Print [begin, end] in bytes of the text instead of ids; with --pieces: [piece, "
               "begin, end]")
      ->group(encode);
  app.add_flag("--pair", o.pair, "A line is two texts with a tab between them")->group(encode);
  app.add_flag("--batch", o.batch,
               "All lines as one padded batch: one JSON object with input_ids, attention_mask and "
               "token_type_ids")
      ->group(encode);
  zoo::add_option(app, encode, "max-length", o.max_length,
                  "With --batch: longest row, special tokens included (0: no limit)");
  zoo::add_option(app, encode, "truncation", o.truncation, "With --batch: which text is cut");
  zoo::add_option(app, kSplits, "sample", o.sample,
                  "A split drawn at random. Unigram: the power to which probabilities are raised "
                  "(0: all splits alike); BPE: the probability that a merge is left out");
  zoo::add_option(app, kSplits, "nbest", o.nbest,
                  "Unigram: the N most probable splits of a line as [{\"score\", \"ids\"}, ...]; "
                  "with --sample: draw from these alone");
  zoo::add_option(app, kSplits, "seed", o.seed, "Of --sample: the same seed, the same splits");
  app.add_flag("--skip-special", o.skip_special, "Leave special tokens out")->group("decode");
  app.add_option("--file", o.file, "The text (default: standard input)")->group("compare");
  app.add_option("--page", o.page, "Write the table and a plot as a page (HTML)")->group("compare");
}

/// The groups of options are named after the verbs that use them.
void refuse_other_verbs(const CLI::App& app, const Options& o) {
  for (const char* verb : {"encode", "decode", "compare"})
    if (o.verb != verb) zoo::refuse_group(app, verb, fmt::format("is for the verb {}", verb));
  if (!o.sample && app.count("--seed") > 0)
    throw zoo::UsageError("--seed draws nothing by itself; give --sample, too");
  if (!o.batch && app.count("--truncation") > 0)
    throw zoo::UsageError("--truncation is for --batch");
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("tokenize", [&]() -> int {
    std::ios::sync_with_stdio(false);
    Options o;
    CLI::App app{"Text to ids and back: one line of standard input at a time."};
    add_options(app, o);
    zoo::set_help(
        app,
        {"echo 'to be or not to be' | tokenize --tokenizer runs/bpe encode --pieces",
         "tokenize compare --tokenizer runs/bpe --tokenizer runs/wordpiece --file lines.txt"},
        {"json", "special", "pieces", "offsets", "skip-special", "file", "page"});
    zoo::parse(app, argc, argv);
    refuse_other_verbs(app, o);
    return run(o);
  });
}
