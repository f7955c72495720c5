// Combines the command line with a folder's settings: flags override the file, the file overrides
// the program's defaults.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "infer/decode/options.h"
#include "infer/generation/generation_config.h"

namespace zoo {

struct DecodeRequest {
  DecodeOptions options;                      ///< the program's defaults, changed by flags
  std::set<std::string> given = {};           ///< options on the command line, without dashes
  bool do_sample = false;                     ///< --do-sample
  bool generation_config = true;              ///< false: ids alone count, not the settings
  std::vector<int64_t> eos_ids = {};          ///< --eos-token-id
  std::optional<int64_t> decoder_start = {};  ///< --decoder-start-token-id
  std::vector<std::string> stop = {};         ///< --stop

  bool has(const std::string& name) const { return given.contains(name); }
};

/// --do-sample, --eos-token-id, --generation-config: fields of a request.
template <class Visitor>
void visit(DecodeRequest& o, Visitor&& v) {
  v("do-sample", o.do_sample, "Draw tokens, or beams, instead of taking the best");
  v("eos-token-id", o.eos_ids, "Id that ends a text, instead of the one in the folder");
  v("generation-config", o.generation_config, "Decode as the folder's generation_config.json says");
}

struct SettledDecoding {
  DecodeOptions options;  ///< eos_ids as well
  std::set<std::string> given;
  SpecialIds ids;
  std::vector<std::string> stop;
  std::string note;  ///< one line on what was taken from which file; empty: nothing
};

/// `samples`: whether the program samples if neither decides. Options that the strategy does not
/// use are ignored from the file and refused from the command line. Throws UsageError for flags,
/// std::runtime_error, naming the file, for its contents.
SettledDecoding settle(const DecodeRequest& request, const GenerationConfig& config, bool samples,
                       bool has_draft = false);

/// Drops suppressed tokens of the file that are outside the vocabulary: the model cannot generate
/// them. Throws std::runtime_error for other ids outside the vocabulary.
void fit_to_vocabulary(SettledDecoding& settled, int64_t vocab_size);

}  // namespace zoo
