// The one mechanism between our parameter names and the names that a family has on disk.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/pretrained/format/safetensors.h"

namespace zoo {

/// One of our parameters, or one in every layer: `{}` stands for a number, the same on both sides.
struct NameRow {
  std::string ours;                 ///< "blocks.{}.attention.in_proj.weight"
  std::vector<std::string> theirs;  ///< one, or several whose rows lie below each other in ours
  bool transposed = false;          ///< on disk [in, out] instead of [out, in]
  std::vector<int64_t> rows = {};   ///< how many rows each of several has; empty: equally many
  bool optional = false;  ///< may be missing on disk; the module then keeps its own values
  /// On disk, where it differs and the values lie the same: [1, 1, C] for our [C]. Of one tensor.
  std::vector<int64_t> shape = {};
  /// Queries, keys and values, which lie one below the other in ours, are together on disk for each
  /// head of this width; 0: as in ours. Of one tensor.
  int64_t interleaved = 0;
  double plus = 0.0;  ///< our values are those on disk and so much
};

/// A tensor that holds many of ours, one behind the other, with a name that lacks the number of
/// which: those of all experts.
struct NameStack {
  std::string ours;    ///< "blocks.{}.experts.experts.{}.in_proj.weight"
  std::string theirs;  ///< "model.layers.{}.mlp.experts.gate_up_proj": [E, ...]
};

/// What a family's files look like. Names may carry `prefix` or come without it.
struct NameMap {
  std::string family;       ///< for messages: "GPT-2"
  std::string prefix = {};  ///< "transformer."; `theirs` are written with it where it belongs
  bool writes_prefix =
      true;  ///< false: written without it, as the reference writes an encoder alone
  std::vector<NameRow> rows;  ///< empty: the names on disk are ours
  /// Tensors that the layout demands and our module does not have: written as zeros; when read they
  /// may be missing but not hold anything else.
  std::map<std::string, std::vector<int64_t>> zeros = {};
  /// Tensors that the layout keeps on disk and our module computes (tables of sines): written, not
  /// read.
  std::map<std::string, torch::Tensor> computed = {};
  /// Tied weights, {name, the name it repeats}: not written; when read, one of a weight's names is
  /// enough, and several may not differ.
  std::map<std::string, std::string> copies = {};
  /// Tensors that stand in for another where that is missing, {name, the one it stands in for}, and
  /// mean nothing beside it. Only read.
  std::map<std::string, std::string> stand_ins = {};
  /// Ends of names as older files have them, {old, today's}: {"LayerNorm.gamma",
  /// "LayerNorm.weight"}. Only read.
  std::vector<std::pair<std::string, std::string>> old_ends = {};
  /// Other names with `{}`, {other, the one in `theirs`}: what the reference's modules are called
  /// in memory, where that is not what it writes. Files made without it have these. Only read.
  std::vector<std::pair<std::string, std::string>> synonyms = {};
  /// Tensors that may stand in the place of others, which have a row each. Only read.
  std::vector<NameStack> stacks = {};
  /// What older files also hold and nobody needs ("transformer.h.{}.attn.bias").
  std::vector<std::string> ignored = {};
  /// Begins of the names of heads that other classes of the family have ("qa_outputs."). Tensors of
  /// theirs that have no place here are passed over, as the reference does.
  std::vector<std::string> other_heads = {};
};

/// Adds a row for a parameter.
void add_parameter(NameMap& map, const std::string& ours, const std::string& theirs);
/// Adds the rows of a layer, weight and bias; `layer` names it without the two endings. Of a
/// transposed one the weight alone is.
void add_layer(NameMap& map, const NameRow& layer);
/// Ignores weight and bias of a layer in the file.
void ignore_layer(NameMap& map, const std::string& theirs);

/// Copies a file's tensors into a module, converting dtype and device. Throws std::runtime_error
/// with one line for a missing, unexpected or wrong-shaped tensor, before anything is changed.
/// Returns the names of our optional parameters that the file lacks.
std::vector<std::string> load_named(torch::nn::Module& module, const SafetensorsReader& reader,
                                    const NameMap& map);

/// Whether the file holds a tied copy (a key of `copies`) beside its original, with other values:
/// the reference then does not tie them, whatever config.json says.
bool differs_from_original(const SafetensorsReader& reader, const NameMap& map,
                           const std::string& copy);

/// Whether the tensor of this name on disk holds one of our module's parameters, or a part of one:
/// not so for tied copies, zeros of the layout, and what is ignored.
bool holds_parameter(const NameMap& map, const std::string& name);

/// The module's tensors under their names on disk, as views where that is possible.
std::map<std::string, torch::Tensor> export_named(const torch::nn::Module& module,
                                                  const NameMap& map);

}  // namespace zoo
