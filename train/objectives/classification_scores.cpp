#include "train/objectives/classification_scores.h"

#include <algorithm>

namespace zoo {
namespace {

/// 2 precision recall / (precision + recall), in whole numbers.
double f1_of(int64_t predicted, int64_t right, int64_t both) {
  const int64_t sum = predicted + right;
  return sum == 0 ? 0.0 : 2.0 * static_cast<double>(both) / static_cast<double>(sum);
}

}  // namespace

ClassificationScores::ClassificationScores(int64_t classes)
    : classes_(static_cast<size_t>(classes)) {}

void ClassificationScores::add(int64_t predicted, int64_t right) {
  ++answers_;
  ++classes_[static_cast<size_t>(predicted)].predicted;
  ++classes_[static_cast<size_t>(right)].right;
  if (predicted == right) ++classes_[static_cast<size_t>(right)].both;
}

double ClassificationScores::accuracy() const {
  int64_t both = 0;
  for (const Class& c : classes_) both += c.both;
  return answers_ == 0 ? 0.0 : static_cast<double>(both) / static_cast<double>(answers_);
}

double ClassificationScores::macro_f1() const {
  double sum = 0.0, classes = 0.0;
  for (const Class& c : classes_) {
    if (c.right + c.predicted == 0) continue;
    sum += f1_of(c.predicted, c.right, c.both);
    classes += 1.0;
  }
  return classes == 0.0 ? 0.0 : sum / classes;
}

double ClassificationScores::majority_accuracy() const {
  int64_t most = 0;
  for (const Class& c : classes_) most = std::max(most, c.right);
  return answers_ == 0 ? 0.0 : static_cast<double>(most) / static_cast<double>(answers_);
}

std::vector<Entity> entities_of(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  for (size_t i = 0; i < tags.size(); ++i) {
    const std::string& tag = tags[i];
    const bool begins = tag.starts_with("B-"), inside = tag.starts_with("I-");
    if (!begins && !inside) continue;
    const std::string kind = tag.substr(2);
    const bool goes_on =
        inside && !entities.empty() && entities.back().end == i && entities.back().kind == kind;
    if (goes_on)
      ++entities.back().end;
    else
      entities.push_back({.begin = i, .end = i + 1, .kind = kind});
  }
  return entities;
}

bool mark_entities(std::span<const std::string> tags) {
  return std::ranges::any_of(
      tags, [](const auto& tag) { return tag.starts_with("B-") || tag.starts_with("I-"); });
}

void EntityScores::add(std::span<const std::string> predicted, std::span<const std::string> right) {
  const auto made = entities_of(predicted), wanted = entities_of(right);
  predicted_ += std::ssize(made);
  right_ += std::ssize(wanted);
  both_ += std::ranges::count_if(made, [&](const Entity& entity) {
    return std::ranges::find(wanted, entity) != wanted.end();
  });
}

double EntityScores::f1() const { return f1_of(predicted_, right_, both_); }

}  // namespace zoo
