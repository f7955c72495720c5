// %% [markdown]
// # 18. Sound and video
//
// A Transformer reads whatever is cut into tokens. For pictures lesson 13 cut patches. Here the same
// layer, without a change, reads sound, which becomes a picture of frequencies over time, and video,
// whose patches last several frames.
//
// **Before you read on, write down two guesses.** A sound is played a little later: which of its
// tokens change? And can a layer that sees one frame at a time tell a dot that moves from one that
// rests?
//
// You need lesson 13. At the end you can say what a token of a sound or a video holds, and what its
// position must tell. The models that train on such tokens are the ones that you know.

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "models/layers/patch_embedding.h"
#include "notebooks-cpp/nb/nb.h"

torch::manual_seed(18);

// %% [markdown]
// ## A sound as a picture
//
// A sound of one second is 16,000 numbers. The short-time Fourier transform cuts it into frames and
// measures each frequency in each frame: a *spectrogram*, a picture $[F, T]$. AST (Gong et al. 2021,
// [arXiv:2104.01778](https://arxiv.org/abs/2104.01778), §2.1) feeds its patches to a ViT. Make a
// chirp whose tone rises from 500 Hz to 6,500 Hz. Look for the straight line.

// %%
torch::Tensor chirp(double late) {  // in seconds: [16000]
  const auto t = torch::arange(16000, torch::kDouble) / 16000 - late;
  return torch::sin(2 * std::numbers::pi * (500 * t + 3000 * t * t)).to(torch::kFloat);
}
torch::Tensor spectrogram(const torch::Tensor& sound) {
  const auto frames = torch::stft(sound, /*n_fft=*/126, /*hop_length=*/125, /*win_length=*/126,
                                  torch::hann_window(126), /*center=*/false, /*pad_mode=*/"reflect",
                                  /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
  return frames.abs().narrow(1, 0, 120);  // [F = 64, T = 120]
}
const auto sound = spectrogram(chirp(0));
nb::show(sound.flip(0), {.title = "A chirp: one bright line from the lower left to the upper right",
                         .rows = "Frequency bin, from the top 63",
                         .columns = "Frame"});
const auto peak = sound.argmax(0).to(torch::kDouble) * 16000 / 126;  // [120] Hz
const double rise = (peak[110] - peak[10]).item<double>() / (100 * 125 / 16000.0);
nb::print(fmt::format("the peak rises by {:.0f} Hz per second\n", rise));
nb::claim("the peak rises by 6000 Hz per second: measured", rise, nb::near(6000, 200));

// %% [markdown]
// ## The formula: patches of a spectrogram
//
// With patches of $p$ by $p$ a spectrogram $[F, T]$ becomes $F/p \cdot T/p$ tokens of width C, each a
// linear map of $p^2$ numbers: a convolution with stride $p$.
//
// A token's column now says when, its row how high, so the positions must tell rows from columns, and
// a mirrored spectrogram, unlike a mirrored photo, is another sound. The embedding needs no change:
// the zoo's `PatchEmbedding` with patches of 8 by 8 makes 8 rows of 15 tokens. Play the chirp 8
// frames later: the same tokens, one column further right. Played 3 frames later, it is cut
// differently, and all tokens are new: that is the negative control.

// %%
zoo::PatchEmbedding ears(zoo::PatchEmbeddingOptions{
    .channels = 1, .patch_height = 8, .patch_width = 8, .d_model = 16});
const double hop = 125 / 16000.0;  // seconds from frame to frame
const auto tokens_of = [&](double late) {
  return ears(spectrogram(chirp(late)).view({1, 1, 64, 120}))
      .view({8, 15, 16});  // rows, columns, C
};
const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
};
const auto now = tokens_of(0).narrow(1, 0, 14);  // [8, 14, C]
nb::claim("8 frames later: tokens differ from those one column before by",
          distance(tokens_of(8 * hop).narrow(1, 1, 14), now), nb::at_most(1e-2));
nb::refute("3 frames later: the same", distance(tokens_of(3 * hop).narrow(1, 1, 14), now),
           nb::at_most(1e-2));

// %% [markdown]
// ## Video: patches that last
//
// A video is $[ch, T, H, W]$. ViViT (Arnab et al. 2021,
// [arXiv:2103.15691](https://arxiv.org/abs/2103.15691), §3.2) cuts *tubelets*, patches that last
// several frames. Nothing new is needed: two frames of one channel are one frame of two channels, so
// `PatchEmbedding` makes tubelets, and unfolding over time, rows and columns gives the same.
// A tubelet can see what no single frame shows: with weights $+1$ now and $-1$ before, motion.

// %%
const auto video = torch::randn({1, 1, 6, 16, 16});  // [B, ch, T, H, W]
zoo::PatchEmbedding tubelets(zoo::PatchEmbeddingOptions{
    .channels = 2, .patch_height = 4, .patch_width = 4, .d_model = 16});
const auto by_module = tubelets(video.view({3, 2, 16, 16})).reshape({48, 16});  // [3 * 16, C]
const auto unfolded = video.unfold(2, 2, 2)
                          .unfold(3, 4, 4)
                          .unfold(4, 4, 4)  // [1, 1, 3, 4, 4, 2, 4, 4]
                          .reshape({48, 2 * 4 * 4});
const auto by_product =
    torch::linear(unfolded, tubelets->projection->weight.flatten(1), tubelets->projection->bias);
nb::claim("tubelets: PatchEmbedding and unfold + linear differ by", distance(by_module, by_product),
          nb::at_most(1e-5));
{
  const torch::NoGradGuard no_grad;
  tubelets->projection->bias.zero_();
  tubelets->projection->weight.select(1, 1).fill_(1);   // now
  tubelets->projection->weight.select(1, 0).fill_(-1);  // one frame before
}
auto moving = torch::zeros({1, 2, 16, 16});
moving[0][0][5][5] = moving[0][1][5][9] = 1;  // a dot jumps from one patch to the next
const auto still = moving.select(1, 0).unsqueeze(1).expand({1, 2, 16, 16});
nb::claim("a dot that rests: largest entry of all tokens",
          tubelets(still).abs().max().item<double>(), nb::near(0, 0));
nb::claim("a dot that moves: tokens that notice",
          tubelets(moving).select(2, 0).ne(0).sum().item<double>(), nb::near(2, 0));

// %% [markdown]
// ## What you have measured
//
// All numbers follow from the construction; only the weights of the layers are drawn (seed 18).
//
// | claim | question |
// |---|---|
// | a tone that rises is a straight line of a spectrogram | 44 |
// | a delay by whole patches moves the tokens, any other delay changes all of them | 44 |
// | tubelets are patches of frames stacked as channels | 44 |
// | a tubelet notices motion, which no single frame shows | 44 |
//
// ## Try it
//
// 1. *A sound as a picture*: give the chirp a second, falling tone. Predict the picture.
// 2. *The formula*: play the chirp 4 frames later with patches of 4 by 4 (16 rows, 30 columns). Which
//    claim holds again?
// 3. *Video*: let the dot move within one patch. Predict how many tokens notice.
// 4. *Video*: make tubelets of three frames. Which shapes change?
//
// **Next**: [experts](19_experts.ipynb), which give a layer many weights and little work.
