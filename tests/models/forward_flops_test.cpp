// forward_flops() counts without building; what torch computes is the measure.
#include "models/forward_flops.h"

#include <gtest/gtest.h>

#include "tests/support/flop_counter.h"

namespace zoo {
namespace {

using testing::FlopCounter;

template <class Pass>
double counted(torch::nn::Module& model, Pass pass) {
  model.eval();
  const torch::NoGradGuard no_grad;
  const FlopCounter counter;
  pass();
  return counter.flops();
}

torch::Tensor tokens(int64_t length) { return torch::arange(length).unsqueeze(0).remainder(7); }

TEST(ForwardFlopsTest, OfBerts) {
  for (const bool pooler : {true, false}) {
    BertOptions o;
    o.vocab_size = 9;
    o.context = 12;
    o.layers = 3;
    o.d_model = 10;
    o.heads = 2;
    o.feed_forward = 14;
    o.family = pooler ? BertFamily::kBert : BertFamily::kElectra;
    o.embedding_width = pooler ? 0 : 6;
    o.pooler = pooler;
    o.attention = "matmul";
    Bert model(o);
    const double flops = counted(*model, [&] {
      const auto hidden = model->forward(tokens(11));
      if (pooler) model->pool(hidden);
    });
    EXPECT_EQ(forward_flops(o, 11), flops);
  }
}

TEST(ForwardFlopsTest, OfEncoderDecoders) {
  for (const auto activation : {Activation::kRelu, Activation::kSwiglu}) {
    TransformerOptions o;
    o.vocab_size = 17;
    o.encoder_layers = 2;
    o.decoder_layers = 3;
    o.d_model = 12;
    o.heads = 3;
    o.feed_forward = 10;
    o.decoder_feed_forward = 14;
    o.activation = activation;
    o.attention = "matmul";
    Transformer model(o);
    const double flops =
        counted(*model, [&] { model->forward(tokens(7), torch::tensor({7L}), tokens(7)); });
    EXPECT_EQ(forward_flops(o, 7), flops);
  }
}

TEST(ForwardFlopsTest, OfTheRecurrentNetwork) {
  for (const int64_t layers : {1, 2}) {
    RecurrentOptions o;
    o.vocab_size = 17;
    o.layers = layers;
    o.d_model = 10;
    Recurrent model(o);
    const double flops = counted(*model, [&] {
      model->logits_of(model->hidden(tokens(7), torch::tensor({7L}), tokens(7)));
    });
    // The encoder's LSTM is one operation to torch: four gates, two directions of 5, reading 10
    // + 5.
    const double encoder = 2.0 * 7 * 4 * 2 * 5 * (10 + 5) * static_cast<double>(layers);
    EXPECT_EQ(forward_flops(o, 7), flops + encoder);
  }
}

TEST(ForwardFlopsTest, OfVisionTransformers) {
  std::vector<VitOptions> all(4);
  all[1].patch_width = 7;
  all[1].image_width = 14;
  all[1].pooling = VitPooling::kMean;
  all[2].distillation = Distillation::kHead;
  all[2].patch_method = PatchMethod::kProduct;
  all[3].classes = 0;
  all[3].pooler = true;
  for (auto& o : all) {
    o.channels = 3;
    o.layers = 2;
    o.d_model = 12;
    o.heads = 3;
    o.attention = "matmul";
    Vit model(o);
    const auto pixels = torch::zeros({1, 3, 28, resolved(o).image_width});
    const double flops = counted(*model, [&] {
      if (o.classes > 0)
        model->forward(pixels);
      else
        model->pooler_output(model->hidden_of(model->encode(pixels)));
    });
    EXPECT_EQ(forward_flops(o), flops);
  }
}

TEST(ForwardFlopsTest, OfTheOtherClassifiers) {
  const CnnOptions cnn{.image_size = 13, .image_width = 10, .channels = 3, .blocks = 2, .width = 6};
  Cnn residual(cnn);
  const auto pixels = torch::zeros({1, 3, 13, 10});
  EXPECT_EQ(forward_flops(cnn), counted(*residual, [&] { residual->forward(pixels); }));

  CctOptions cct;
  cct.image_size = 13;
  cct.image_width = 10;
  cct.channels = 3;
  cct.d_model = 12;
  cct.attention = "matmul";
  Cct compact(cct);
  EXPECT_EQ(forward_flops(cct), counted(*compact, [&] { compact->forward(pixels); }));

  const LinearClassifierOptions flat{.image_size = 13, .image_width = 10, .channels = 3};
  LinearClassifier linear(flat);
  EXPECT_EQ(forward_flops(flat), counted(*linear, [&] { linear->forward(pixels); }));
}

TEST(ForwardFlopsTest, OfClipWithEitherTower) {
  for (const auto tower : {ImageTower::kVit, ImageTower::kCnn}) {
    ClipOptions o;
    o.image_tower = tower;
    o.image.image_size = 16;
    o.image.patch_size = 4;
    o.image.attention = o.text.attention = "matmul";
    o.text.vocab_size = 11;
    Clip model(o);
    const auto pixels = torch::zeros({1, o.image.channels, 16, 16});
    const double flops = counted(*model, [&] {
      model->embed_images(pixels);
      model->embed_texts(tokens(9));
    });
    EXPECT_EQ(forward_flops(o, 9), flops);
  }
}

}  // namespace
}  // namespace zoo
