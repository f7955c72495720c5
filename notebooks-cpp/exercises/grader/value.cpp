#include "notebooks-cpp/exercises/grader/value.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace exercises {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kShownNumbers = 8, kShownLetters = 80;

bool is_sequence(const Value& value) { return value.isTuple() || value.isList(); }

Values elements(const Value& value) {
  if (value.isTuple()) return value.toTupleRef().elements().vec();
  return value.toListRef().vec();
}

std::string number(double value) { return describe_number(value); }

std::string shape(const at::Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  return fmt::format("{} [{}]", c10::toString(tensor.scalar_type()),
                     fmt::join(tensor.sizes().begin(), tensor.sizes().end(), ", "));
}

/// One row of numbers, cut where it is long.
std::string row_text(const at::Tensor& row) {
  const auto flat = row.to(at::kDouble).reshape({-1});
  std::string text = "[";
  for (int64_t n = 0; n < std::min(flat.numel(), kShownNumbers); ++n)
    text += (n ? ", " : "") + number(flat[n].item<double>());
  return text + (flat.numel() > kShownNumbers ? ", ...]" : "]");
}

std::string cut(const std::string& text) {
  return text.size() <= kShownLetters ? text : text.substr(0, kShownLetters) + "...";
}

/// |expected - got| in double; NaN against NaN, and equal infinities, are 0.
at::Tensor gaps(const at::Tensor& expected, const at::Tensor& got) {
  const auto a = expected.to(at::kDouble), b = got.to(at::kDouble);
  const auto same = (a == b).logical_or(a.isnan().logical_and(b.isnan()));
  const auto gap = (a - b).abs();
  return at::where(same, 0.0, at::where(gap.isnan(), kInfinity, gap));
}

double scale_of(const at::Tensor& expected) {
  const auto finite = expected.to(at::kDouble).nan_to_num(0, 0, 0).abs();
  return finite.numel() ? std::max(1.0, finite.max().item<double>()) : 1.0;
}

std::string place(const std::string& before, const std::string& here) {
  return before.empty() || here.empty() ? before + here : before + ", " + here;
}

std::optional<Difference> tensor_difference(const at::Tensor& expected, const at::Tensor& got,
                                            double tolerance) {
  if (expected.numel() == 0) return {};
  const auto gap = gaps(expected, got);  // as expected
  const auto worst = gap.argmax().item<int64_t>();
  if (gap.reshape({-1})[worst].item<double>() <= tolerance * scale_of(expected)) return {};
  if (expected.dim() == 0)
    return Difference{"", number(expected.item<double>()),
                      number(got.to(at::kDouble).item<double>())};
  const int64_t width = expected.size(-1);
  const int64_t row = worst / width;
  std::string where;
  int64_t rest = row;
  for (int64_t axis = expected.dim() - 2; axis >= 0; --axis) {
    where = std::to_string(rest % expected.size(axis)) + (where.empty() ? "" : ", ") + where;
    rest /= expected.size(axis);
  }
  return Difference{where.empty() ? "" : "row [" + where + "]",
                    row_text(expected.reshape({-1, width})[row]),
                    row_text(got.reshape({-1, width})[row])};
}

std::optional<Difference> scalar_difference(const Value& expected, const Value& got,
                                            double tolerance) {
  if (expected.isDouble() || expected.isInt() || expected.isBool()) {
    const double a = expected.isBool() ? expected.toBool() : expected.toScalar().toDouble();
    const double b = got.isBool() ? got.toBool() : got.toScalar().toDouble();
    if (a == b || (std::isnan(a) && std::isnan(b))) return {};
    if (expected.isDouble() && std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a))) return {};
    if (expected.isBool())
      return Difference{"", a != 0 ? "true" : "false", b != 0 ? "true" : "false"};
    return Difference{"", number(a), number(b)};
  }
  if (expected.isString() && expected.toStringRef() != got.toStringRef())
    return Difference{"", '"' + cut(expected.toStringRef()) + '"',
                      '"' + cut(got.toStringRef()) + '"'};
  return {};
}

bool same_kind(const Value& a, const Value& b) {
  if (a.isTensor()) return b.isTensor();
  if (is_sequence(a)) return is_sequence(b);
  if (a.isString()) return b.isString();
  if (a.isNone()) return b.isNone();
  return (a.isScalar() || a.isBool()) && (b.isScalar() || b.isBool());
}

std::string name_of(size_t n, const Value& parent) {
  static constexpr const char* names[] = {"the first result", "the second result",
                                          "the third result", "the fourth result"};
  if (parent.isTuple() && n < std::size(names)) return names[n];
  return fmt::format("element {}", n);
}

}  // namespace

std::string describe_number(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{:.4g}", value);
}

Value map_tensors(const Value& value, const std::function<at::Tensor(const at::Tensor&)>& change) {
  if (value.isTensor()) return value.toTensor().defined() ? Value(change(value.toTensor())) : value;
  if (value.isTuple()) {
    Values changed;
    for (const auto& element : elements(value)) changed.push_back(map_tensors(element, change));
    return c10::ivalue::Tuple::create(std::move(changed));
  }
  if (value.isList()) {
    c10::impl::GenericList changed(value.toList().elementType());
    for (const auto& element : elements(value)) changed.push_back(map_tensors(element, change));
    return changed;
  }
  return value;
}

std::vector<at::Tensor> tensors_of(const Value& value) {
  std::vector<at::Tensor> tensors;
  map_tensors(value, [&](const at::Tensor& tensor) {
    tensors.push_back(tensor);
    return tensor;
  });
  return tensors;
}

std::vector<at::Tensor> floats_of(const Value& value) {
  auto tensors = tensors_of(value);
  std::erase_if(tensors, [](const at::Tensor& tensor) {
    return !tensor.defined() || !tensor.is_floating_point();
  });
  return tensors;
}

Value in_double(const Value& value) {
  return map_tensors(value, [](const at::Tensor& tensor) {
    return tensor.is_floating_point() ? tensor.to(at::kDouble) : tensor;
  });
}

std::string describe(const Value& value) {
  if (value.isTensor()) return shape(value.toTensor());
  if (value.isNone()) return "nothing";
  if (value.isString()) return '"' + cut(value.toStringRef()) + '"';
  if (value.isBool()) return value.toBool() ? "true" : "false";
  if (value.isInt()) return std::to_string(value.toInt());
  if (value.isDouble()) return number(value.toDouble());
  if (is_sequence(value)) {
    std::string inner;
    for (const auto& element : elements(value)) {
      if (inner.size() > kShownLetters) return (value.isTuple() ? "(" : "[") + inner + ", ...";
      inner += (inner.empty() ? "" : ", ") + describe(element);
    }
    return value.isTuple() ? "(" + inner + ")" : "[" + inner + "]";
  }
  return "a value of another type";
}

std::optional<Difference> compare_shapes(const Value& expected, const Value& got) {
  if (!same_kind(expected, got)) return Difference{"", describe(expected), describe(got)};
  if (expected.isTensor()) {
    const auto &a = expected.toTensor(), &b = got.toTensor();
    const bool same_type =
        b.defined() &&
        (a.is_floating_point() ? b.is_floating_point() : a.scalar_type() == b.scalar_type());
    if (same_type && a.sizes() == b.sizes()) return {};
    const auto wanted = a.is_floating_point() ? a.to(at::kFloat) : a;
    return Difference{"", shape(wanted), shape(b)};
  }
  if (expected.isTuple()) {
    const auto a = elements(expected), b = elements(got);
    if (a.size() != b.size()) return Difference{"", describe(expected), describe(got)};
    for (size_t n = 0; n < a.size(); ++n)
      if (auto difference = compare_shapes(a[n], b[n])) {
        difference->where = place(name_of(n, expected), difference->where);
        return difference;
      }
  }
  return {};
}

std::optional<Difference> compare_values(const Value& expected, const Value& got,
                                         double tolerance) {
  if (auto difference = compare_shapes(expected, got)) return difference;
  if (expected.isTensor()) return tensor_difference(expected.toTensor(), got.toTensor(), tolerance);
  if (!is_sequence(expected)) return scalar_difference(expected, got, tolerance);
  const auto a = elements(expected), b = elements(got);
  if (a.size() != b.size()) return Difference{"", describe(expected), describe(got)};
  for (size_t n = 0; n < a.size(); ++n)
    if (auto difference = compare_values(a[n], b[n], tolerance)) {
      const bool short_list = expected.isList() && !a[n].isTensor() && !is_sequence(a[n]);
      if (short_list) return Difference{"", describe(expected), describe(got)};
      difference->where = place(name_of(n, expected), difference->where);
      return difference;
    }
  return {};
}

double distance(const Value& expected, const Value& got) {
  if (compare_shapes(expected, got)) return kInfinity;
  if (expected.isTensor()) {
    if (expected.toTensor().numel() == 0) return 0;
    return gaps(expected.toTensor(), got.toTensor()).max().item<double>() /
           scale_of(expected.toTensor());
  }
  if (expected.isDouble() && got.isDouble()) {
    const double a = expected.toDouble(), b = got.toDouble();
    if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
    return std::isfinite(a - b) ? std::abs(a - b) / std::max(1.0, std::abs(a)) : kInfinity;
  }
  if (!is_sequence(expected)) return scalar_difference(expected, got, 0) ? kInfinity : 0;
  const auto a = elements(expected), b = elements(got);
  if (a.size() != b.size()) return kInfinity;
  double largest = 0;
  for (size_t n = 0; n < a.size(); ++n) largest = std::max(largest, distance(a[n], b[n]));
  return largest;
}

}  // namespace exercises
