// Another way: number by number, in float, and the shift from the table itself.
#include "notebooks-cpp/exercises/06_sinusoidal_positions/sinusoidal_positions.h"

torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model) {
  auto table = torch::empty({max_positions, d_model});
  float* out = table.data_ptr<float>();
  for (int64_t p = 0; p < max_positions; ++p)
    for (int64_t c = 0; c < d_model; ++c) {
      const auto exponent = static_cast<float>(c - c % 2) / static_cast<float>(d_model);
      const float angle = static_cast<float>(p) * std::exp(-exponent * std::log(10000.0f));
      *out++ = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  return table;
}

torch::Tensor add_positions(const torch::Tensor& x, const torch::Tensor& table,
                            const torch::Tensor& positions) {
  const auto rows = table.index_select(0, positions.reshape({-1}));
  return rows.view({positions.size(0), positions.size(1), -1}) + x;
}

torch::Tensor shift_matrix(int64_t steps, int64_t d_model) {
  const auto moved = sinusoidal_table(std::abs(steps) + 1, d_model)[std::abs(steps)];  // [C]
  std::vector<torch::Tensor> blocks;
  for (int64_t c = 0; c < d_model; c += 2) {
    const auto s = steps < 0 ? -moved[c] : moved[c];
    const auto cosine = moved[c + 1];
    blocks.push_back(torch::stack({cosine, s, -s, cosine}).view({2, 2}));
  }
  return torch::block_diag(blocks);
}
