// Prompts in, texts out: the program `generate` without its command line.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/text_stream.h"
#include "infer/generation/gpt_decoder.h"
#include "infer/generation/language_model.h"

namespace zoo {

struct SessionOptions {
  std::vector<std::string> stop = {};         ///< strings before which a text ends
  std::vector<std::string> bad_words = {};    ///< that never come, alone or behind a space
  std::vector<std::string> force_words = {};  ///< that come in every text; needs beams
  std::filesystem::path draft = {};           ///< folder of a model that proposes tokens; or none
  bool add_special_tokens = true;  ///< what the tokenizer's template puts around a prompt
  bool return_full_text = true;    ///< print the prompt before its continuation
  int64_t batch_size = 8;          ///< rows that are computed together
  bool no_cache = false;
  bool json = false;  ///< one object a line instead of text
};

template <class Visitor>
void visit(SessionOptions& o, Visitor&& v) {
  v("stop", o.stop, "End a text before this string; in bash $'\\n' is a line feed");
  v("bad-words", o.bad_words, "Never write this");
  v("force-words", o.force_words, "Write this in every text; a|b: one of them (needs --num-beams)");
  v("draft", o.draft, "Folder of a small model with the same tokens that proposes what comes next");
  v("add-special-tokens", o.add_special_tokens,
    "Put around prompts what the tokenizer's template says");
  v("return-full-text", o.return_full_text, "Print the prompt before its continuation");
  v("json", o.json,
    "One JSON object a text: input, sample, text, tokens, finish_reason, score, logprob");
  v("batch-size", o.batch_size, "Texts that are computed together");
  v("no-cache", o.no_cache, "Read the whole text again for each token, for comparison");
}

class GenerationSession {
 public:
  /// Throws UsageError for options without effect. Fills in `generate.eos_ids` with the model's.
  /// `draft`: the model of options.draft, if there is one.
  GenerationSession(LanguageModel model, DecodeOptions generate, SessionOptions options,
                    std::ostream& out, Gpt draft = nullptr);

  /// Continues each prompt num_return_sequences times, and writes the texts as they grow. Checks
  /// all prompts before the first token is chosen. Samples draw from the random streams
  /// `first_sample` and following. Where there is more than one text, each stands below a line that
  /// names it: "== prompt 1 of 2, sample 2 of 3". False if an interrupt ended it.
  bool run(const std::vector<std::string>& prompts, int64_t first_sample = 0);

  /// The model's input ids for each prompt. Throws std::runtime_error for prompts that it cannot
  /// read.
  std::vector<std::vector<int64_t>> ids_of(const std::vector<std::string>& prompts) const;
  const Tokenizer& tokenizer() const { return *model_.tokenizer; }

  int64_t new_tokens() const { return new_tokens_; }

 private:
  struct Batch {
    size_t first_prompt = 0, prompts = 0;
    int64_t first_sample = 0, samples = 0;
  };
  std::vector<TextStream> streams(const std::vector<std::string>& prompts,
                                  const Batch& batch) const;
  std::vector<Generation> compute(const Batch& batch, const OnToken& on_token);
  int64_t longest_row(const Batch& batch) const;
  std::vector<std::string> headings(const std::vector<std::string>& prompts, const Batch& batch,
                                    int64_t first_sample) const;
  void write_json(const std::string& prompt, const Generation& generation, const std::string& text);
  bool run_batch(const std::vector<std::string>& prompts, const Batch& batch, int64_t first_sample,
                 class LiveText& live);

  LanguageModel model_;
  DecodeOptions generate_;
  SessionOptions options_;
  std::ostream& out_;
  GptDecoder decoder_;
  std::unique_ptr<GptDecoder> draft_;
  std::vector<std::vector<int64_t>> ids_;  // of the current prompts
  int64_t new_tokens_ = 0;
};

/// Throws UsageError for options without effect; call it before loading the model.
void check_session(const DecodeOptions& generate, const SessionOptions& options);

}  // namespace zoo
