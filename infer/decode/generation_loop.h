// Greedy decoding and sampling, step by step: texts join and leave between steps, each with its own
// options. Continuous batching: Yu et al. 2022 (Orca, OSDI 22), §3.1.
//
//   GenerationLoop loop(model);
//   loop.add(prompts, options, decoder.start(std::ssize(prompts)));
//   while (!loop.empty()) {
//     for (const TokenEvent& event : loop.step()) ...  // add() and remove() between the steps
//   }
//
// Texts do not affect each other: each has its own positions in the model, its own penalties and
// filters, and draws from the stream of (seed, sample, step). Scores are computed for all texts at
// once; a batch of another size may round them differently in their last digits (below 1e-5 of the
// largest one in float32).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"
#include "infer/decode/step.h"

namespace zoo {

struct TokenEvent {
  int64_t id = 0;         ///< of the text, as add() has given it
  int64_t token = 0;      ///< that the text goes on with
  double log_prob = 0.0;  ///< of the token under the model itself, before penalties and filters
  std::optional<FinishReason> finish = {};  ///< why the text ends with this token, if it does
};

/// A text that cannot continue. The others can: remove() it, and step again.
class TextError : public std::runtime_error {
 public:
  TextError(int64_t id_, const std::string& what) : std::runtime_error(what), id(id_) {}
  int64_t id;
};

/// Not thread-safe; several loops may share one model.
class GenerationLoop {
 public:
  /// The model must outlive the loop.
  explicit GenerationLoop(const NextToken& model) : model_(model) {}

  /// Reads the prompts immediately; their texts join at the next step. `state` has one row per
  /// prompt and may have read something before. `options` apply to these texts only; those of other
  /// strategies (beams, penalty_alpha) and `interrupted` have no effect. `on_token` is called with
  /// a text's id and must not throw; false ends the text. Returns the ids, counted from 0 over all
  /// calls: num_return_sequences for each prompt, samples of a prompt adjacent. Throws as
  /// generate(), and std::invalid_argument if no token is requested.
  std::vector<int64_t> add(Prompts prompts, const DecodeOptions& options,
                           std::unique_ptr<DecodeState> state, OnToken on_token = {});
  /// Extends every text by one token: one event each, older texts first. Finished texts leave.
  /// Throws TextError if every token of a text is forbidden, std::runtime_error for a model whose
  /// scores are NaN; then no text has changed.
  std::vector<TokenEvent> step();
  /// Removes an unfinished text. False if there is none with that id.
  bool remove(int64_t id);

  bool empty() const { return size() == 0; }
  int64_t size() const { return std::ssize(running_.rows) + std::ssize(added_.rows); }

 private:
  struct Settings;  // shared by the texts of one add()
  struct Row {
    int64_t id = 0, sample = 0;
    std::shared_ptr<const Settings> settings = {};
  };
  struct Batch {
    std::unique_ptr<DecodeState> state = {};
    std::vector<Row> rows = {};  // those of one add() are adjacent
    std::vector<RowTokens> texts = {};
    // [B, V] float: the model's own scores after each text; undefined where last tokens are unread.
    torch::Tensor logits = {};
  };
  void read_last_tokens();
  torch::Tensor choose() const;
  torch::Tensor choose(const Settings& settings, size_t first, size_t count) const;
  std::vector<TokenEvent> accept(const torch::Tensor& tokens);
  static void join(Batch& batch, Batch more);
  static void keep(Batch& batch, const std::vector<int64_t>& rows);

  const NextToken& model_;
  Batch running_, added_;  // added since the last step
  int64_t next_id_ = 0;
};

}  // namespace zoo
