// Scores of classes and tagged spans. Macro-F1: the mean of each class's F1, so that rare classes
// count as much as frequent ones. Entity F1: Tjong Kim Sang & De Meulder 2003 (arXiv:cs/0306050),
// §2.3: an entity counts if its kind and both ends are right.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Counts right and wrong answers.
class ClassificationScores {
 public:
  explicit ClassificationScores(int64_t classes);
  void add(int64_t predicted, int64_t right);
  double accuracy() const;
  /// Over the classes that are a target or a prediction at least once.
  double macro_f1() const;
  /// The accuracy of always answering the most frequent class.
  double majority_accuracy() const;
  /// visitor(int64_t&) for each count.
  template <class Visitor>
  void each_sum(Visitor&& visitor) {
    for (Class& c : classes_) visitor(c.right), visitor(c.predicted), visitor(c.both);
    visitor(answers_);
  }

 private:
  struct Class {
    int64_t right = 0, predicted = 0, both = 0;
  };
  std::vector<Class> classes_;
  int64_t answers_ = 0;
};

/// Words begin .. end - 1 of one kind.
struct Entity {
  size_t begin = 0, end = 0;
  std::string kind;
  bool operator==(const Entity&) const = default;
};

/// Entities of tags B-KIND, I-KIND and O (other tags count as O). An I- that does not continue the
/// kind before it begins an entity, as in the shared task's own script.
std::vector<Entity> entities_of(std::span<const std::string> tags);

/// Whether the tags mark entities: any B- or I-.
bool mark_entities(std::span<const std::string> tags);

/// Counts entities over sentences.
class EntityScores {
 public:
  void add(std::span<const std::string> predicted, std::span<const std::string> right);
  /// 0 if there are no entities.
  double f1() const;
  template <class Visitor>
  void each_sum(Visitor&& visitor) {
    visitor(predicted_), visitor(right_), visitor(both_);
  }

 private:
  int64_t predicted_ = 0, right_ = 0, both_ = 0;
};

}  // namespace zoo
