// How good classes and tagged spans are. Macro-F1: the mean of each class's F1, so that rare ones
// count as much as frequent ones. Entity F1: Tjong Kim Sang & De Meulder 2003 (arXiv:cs/0306050),
// §2.3: an entity counts where its kind and both ends are right.
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
  /// Over the classes that were right or were predicted at least once.
  double macro_f1() const;
  /// What always answering the most frequent class is worth.
  double majority_accuracy() const;

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

/// Of tags B-KIND, I-KIND and O (other tags are outside, too). An I- that does not go on with the
/// kind before it begins an entity, as in the shared task's own script.
std::vector<Entity> entities_of(std::span<const std::string> tags);

/// Whether the tags mark entities: there is a B- or an I-.
bool mark_entities(std::span<const std::string> tags);

/// Counts entities over sentences.
class EntityScores {
 public:
  void add(std::span<const std::string> predicted, std::span<const std::string> right);
  /// 0 where there is none.
  double f1() const;

 private:
  int64_t predicted_ = 0, right_ = 0, both_ = 0;
};

}  // namespace zoo
