// Calls of attend with NaN and infinity in hidden positions, each with the same call without them:
// the results must be equal.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/models/attention/attention_reference.h"

namespace zoo::testing {

struct HiddenCase {
  std::string name;
  AttendCase clean, dirty;
  int64_t queries;  ///< y and dq are compared for the first `queries` queries
};

/// NaN and infinities in turn, in the rows of k and v where `hidden` [B, 1, S, 1] is true.
inline HiddenCase with_numbers_hidden(std::string name, const AttendCase& c,
                                      const torch::Tensor& hidden) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  HiddenCase made{std::move(name), c, c, c.q.size(2)};
  const auto bad = torch::tensor({kNan, kInfinity, -kInfinity}).repeat({c.k.numel() / 3 + 1});
  const auto fill = [&](const torch::Tensor& t) {
    return torch::where(hidden, bad.narrow(0, 0, t.numel()).view(t.sizes()), t);
  };
  made.dirty.k = fill(c.k);
  made.dirty.v = fill(c.v);
  return made;
}

/// The last key holds NaN; the last query, which sees it, has no upstream gradient.
inline HiddenCase with_last_key_hidden(std::string name, AttendCase c) {
  c.upstream.select(2, c.q.size(2) - 1).zero_();
  const auto last = torch::arange(c.k.size(2)).eq(c.k.size(2) - 1).view({1, 1, -1, 1});
  auto made = with_numbers_hidden(std::move(name), c, last);
  --made.queries;
  return made;
}

/// The last quarter of T tokens is padding: q, k and v hold NaN there, and nothing comes back.
inline HiddenCase with_nan_padding(int64_t T, int64_t Dh) {
  const int64_t real = T * 3 / 4;
  auto c = random_case(1, 2, 1, T, T, Dh, {.key_lengths = torch::tensor({real}, torch::kLong)});
  c.upstream.narrow(2, real, T - real).zero_();
  HiddenCase padded{"padded tokens", c, c, real};
  for (auto* t : {&padded.dirty.q, &padded.dirty.k, &padded.dirty.v}) {
    *t = t->clone();
    t->narrow(2, real, T - real).fill_(std::numeric_limits<float>::quiet_NaN());
  }
  return padded;
}

/// Every way to hide keys, with T queries and S keys a row.
inline std::vector<HiddenCase> hidden_cases(int64_t T, int64_t S, int64_t Dh) {
  const auto lengths = torch::tensor({S, std::max<int64_t>(1, S / 3)}, torch::kLong);
  const auto positions = torch::arange(S).view({1, 1, S, 1});
  const auto padding = positions.ge(lengths.view({2, 1, 1, 1}));  // [2, 1, S, 1]
  const auto some = torch::rand({2, 1, S, 1}) < 0.4;              // [2, 1, S, 1]
  const auto may =
      some.logical_not().view({2, 1, 1, S}).logical_and(torch::rand({2, 2, T, S}) < 0.8);
  const auto minus =
      torch::zeros({2, 1, 1, S})
          .masked_fill(some.view({2, 1, 1, S}), -std::numeric_limits<float>::infinity());
  const auto random = [&](const AttendArgs& args) { return random_case(2, 2, 1, T, S, Dh, args); };
  std::vector<HiddenCase> cases;
  const auto add = [&](const char* name, const AttendArgs& args, const torch::Tensor& hidden) {
    cases.push_back(with_numbers_hidden(name, random(args), hidden));
  };
  add("lengths", {.key_lengths = lengths}, padding);
  add("causal lengths", {.causal = true, .key_lengths = lengths}, padding);
  add("mask", {.may_attend = may}, some);
  add("causal mask", {.causal = true, .may_attend = may}, some);
  add("dropout", {.may_attend = may, .dropout = 0.3, .dropout_seed = 4}, some);
  add("cap", {.causal = true, .key_lengths = lengths, .score_cap = 0.5}, padding);
  add("capped mask", {.may_attend = may, .score_cap = 2.0}, some);
  add("bias of minus infinity", {.bias = minus}, some);
  const auto prefix = torch::full({2}, 2, torch::kLong);
  add("prefix", {.causal = true, .prefix_lengths = prefix, .key_lengths = lengths}, padding);
  if (S > T) add("window", {.causal = true, .window = 1}, positions.lt(S - T));
  if (S > T + 2) {
    add("window and sinks", {.causal = true, .window = 1, .global_tokens = 2},
        positions.lt(S - T).logical_and(positions.ge(2)));
  }
  if (S > 8) {
    auto layout = torch::ones({2, (S + 3) / 4}, torch::kBool);
    layout.select(1, 1).zero_();
    add("layout", {.block_layout = layout, .block_size = 4},
        positions.ge(4).logical_and(positions.lt(8)));
  }
  return cases;
}

/// Fails where hidden numbers change results.
inline void expect_hidden(const HiddenCase& c, const AttendResult& got, const AttendResult& wanted,
                          double tolerance) {
  const auto expect_equal = [&](const char* what, torch::Tensor a, torch::Tensor b) {
    if (!a.defined()) return;
    EXPECT_TRUE(torch::allclose(a.to(torch::kDouble), b.to(torch::kDouble), tolerance, tolerance))
        << c.name << ", " << what << ": " << a.isnan().sum().item<int64_t>() << " are NaN";
  };
  const auto first = [&](const torch::Tensor& t) {
    return t.defined() ? t.narrow(2, 0, c.queries) : t;
  };
  expect_equal("y", first(got.y), first(wanted.y));
  expect_equal("dq", first(got.dq), first(wanted.dq));
  expect_equal("dk", got.dk, wanted.dk);
  expect_equal("dv", got.dv, wanted.dv);
}

}  // namespace zoo::testing
