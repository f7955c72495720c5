// The runs of a sweep: what --sweep and --scale ask for. No torch.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// "position=none,learned": an option and its values.
struct SweepAxis {
  std::string option = {};
  std::vector<std::string> values = {};
};

/// One run of a sweep.
struct SweepPoint {
  std::vector<std::pair<std::string, std::string>> settings = {};
  std::string name = {};  ///< "position=none,norm=layer,seed=1": its folder
};

/// Reads "position=none,learned,rotary norm=layer,rms". `flag`: "--sweep", for messages. Throws
/// UsageError for what is no such text, for an option that comes twice, and for one that belongs to
/// the command.
std::vector<SweepAxis> parse_axes(std::string_view text, std::string_view flag);

/// Every combination of the values, the last axis first. `together`: axes whose first values belong
/// together, then their second ones, ... (sizes of a model); they come first. Throws UsageError if
/// those are not equally many.
std::vector<SweepPoint> product_of(const std::vector<SweepAxis>& together,
                                   const std::vector<SweepAxis>& axes);

/// Every point with each of `count` seeds, the first of which is `first`.
std::vector<SweepPoint> with_seeds(const std::vector<SweepPoint>& points, uint64_t first,
                                   int64_t count);

/// Removes "--NAME value" and "--NAME=value" from the arguments; returns the last value.
std::optional<std::string> take_flag(std::vector<std::string>& arguments, std::string_view name);

/// The first option that matters and is not the same in two recipes: "max-steps 300, not 600".
/// Empty if there is none. Options that one of them lacks do not count.
std::string first_difference(std::string_view recipe_there, std::string_view recipe_wanted);

}  // namespace zoo
