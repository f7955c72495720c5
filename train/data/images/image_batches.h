// Batches of training images, prefetched by threads. The random numbers of an image depend only on
// the seed, the epoch and the image, so the batches do not depend on the number of threads, and a
// resumed run continues with the same ones.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "train/data/images/augment.h"
#include "train/data/images/labelled_images.h"

namespace zoo {

struct ImageBatch {
  torch::Tensor pixels;             ///< [B, channels, H, W] float, normalised
  torch::Tensor labels;             ///< [B] int64
  torch::Tensor mixed_labels = {};  ///< [B] of the picture mixed in; undefined where nothing is
  double share = 1.0;               ///< of `labels`; the rest is mixed_labels'
  int64_t total = 0;                ///< pictures of the batch in all processes that share it
};

struct ImageBatchOptions {
  int64_t batch = 128;
  uint64_t seed = 0;
  int64_t threads = 1;  ///< that make batches ahead; 0: none, a batch is made when asked for
  AugmentOptions augment = {};
  double mixup = 0.0;   ///< alpha of Zhang et al. 2017 (arXiv:1710.09412), §2; 0: none
  double cutmix = 0.0;  ///< alpha of Yun et al. 2019 (arXiv:1905.04899), Eq. 1; 0: none
  /// Of `processes` that share each batch, number `rank` makes its part (shard_of()).
  int64_t rank = 0, processes = 1;
};

/// Throws std::invalid_argument for values out of range, named as on the command line.
void check(const ImageBatchOptions& options);

/// Images [first, first + count) as model input: (float(byte) / 255 - mean) / standard deviation,
/// as in preprocess().
ImageBatch fixed_image_batch(const LabelledImages& images, const ChannelStatistics& normalisation,
                             int64_t first, int64_t count);

class ImageBatches {
 public:
  /// Throws std::invalid_argument if there are no images, and for options out of range.
  ImageBatches(LabelledImages images, ChannelStatistics normalisation,
               const ImageBatchOptions& options);
  ~ImageBatches();

  ImageBatch next();
  const LabelledImages& images() const;
  /// Position in the data, as text.
  std::string state() const;
  /// Throws std::runtime_error for an invalid position.
  void restore(std::string_view state);

  /// An incomplete last batch is dropped: its images come in other epochs' orders.
  int64_t batches_per_epoch() const;

 private:
  struct Maker;  // shared by the threads
  std::shared_ptr<const Maker> maker_;
  int64_t threads_;
  int64_t next_ = 0;                           // batch, counted over all epochs
  std::deque<std::future<ImageBatch>> ahead_;  // batches next_, next_ + 1, ...
};

}  // namespace zoo
