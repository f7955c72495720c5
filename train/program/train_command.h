// The command line of a training program, apart from the options of its family.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct TrainCommand {
  std::string out = {};            ///< run folder of a new run
  std::string resume = {};         ///< run folder to continue
  std::string init_from = {};      ///< checkpoint or run folder whose weights a new run starts from
  std::string evaluate_only = {};  ///< checkpoint or run folder to evaluate
  std::string preset = {};
  std::string recipe = {};  ///< name of the one that --config gives; another file's path
  std::optional<bool> needs_init_from =
      {};                               ///< the recipe fine-tunes: it has no weights of its own
  std::string dump_gradients = {};      ///< file for the first update's gradients
  std::string dump_batches = {};        ///< folder for the batches of all updates
  std::string config_text = {};         ///< the effective configuration, as --config reads it
  std::string differing_text = {};      ///< its lines whose values are not the defaults
  std::vector<std::string> given = {};  ///< options that the user named, as flags or in a recipe
  std::vector<std::string> given_other = {};  ///< see changed()

  bool has(std::string_view option) const;  ///< among `given`

  /// Whether the user set the option of a new run to a value other than its default. The default
  /// itself does not count, because a run.toml names every option.
  bool changed(std::string_view option) const;

  /// The folder of the model's checkpoint; empty for a new model.
  std::string source() const {
    return !resume.empty() ? resume : !init_from.empty() ? init_from : evaluate_only;
  }

  /// The checkpoint in source(): the last one of a resumed run. Throws std::runtime_error if there
  /// is none.
  std::filesystem::path checkpoint() const;

  /// The checkpoint to load weights from; nothing for a new model, and for a resumed run, whose
  /// weights come with its state.
  std::optional<std::filesystem::path> weights() const;
};

}  // namespace zoo
