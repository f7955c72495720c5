// Another way: every line of both figures written out.
#include "notebooks-cpp/exercises/10_block/block.h"

torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       NormPlace norm_place) {
  torch::Tensor out = x.clone();
  if (norm_place == NormPlace::kPre) {
    const auto normed = norm(x);
    out = out.add(sub_layer(normed));
  } else {
    out = out.add(sub_layer(x));
    out = norm(out);
  }
  return out;
}

torch::Tensor block(const torch::Tensor& x, const SubLayer& attention_norm,
                    const SubLayer& attention, const SubLayer& feed_forward_norm,
                    const SubLayer& feed_forward, NormPlace norm_place) {
  torch::Tensor a, b;
  switch (norm_place) {
    case NormPlace::kPre:
      a = attention(attention_norm(x)) + x;
      b = feed_forward(feed_forward_norm(a)) + a;
      break;
    case NormPlace::kPost:
      a = attention_norm(attention(x) + x);
      b = feed_forward_norm(feed_forward(a) + a);
      break;
  }
  return b;
}

torch::Tensor stack(const torch::Tensor& x, const std::vector<SubLayer>& blocks,
                    const SubLayer& final_norm, NormPlace norm_place) {
  torch::Tensor h = x;
  for (size_t n = 0; n < blocks.size(); ++n) h = blocks[n](h);
  if (norm_place == NormPlace::kPre) h = final_norm(h);
  return h;
}
