// Batches of training pictures, made ahead of the step by other threads. What is drawn for a
// picture depends on the seed, the epoch and the picture alone: any number of threads gives the
// same batches, and a resumed run those it would have had.
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
  torch::Tensor pixels;        ///< [B, channels, H, W] float, normalised
  torch::Tensor labels;        ///< [B] int64
  torch::Tensor mixed_labels;  ///< [B] of the picture mixed in; undefined where nothing is
  double share = 1.0;          ///< of `labels`; the rest is mixed_labels'
};

struct ImageBatchOptions {
  int64_t batch = 128;
  uint64_t seed = 0;
  int64_t threads = 1;  ///< that make batches ahead; 0: none, a batch is made when asked for
  AugmentOptions augment = {};
  double mixup = 0.0;   ///< alpha of Zhang et al. 2017 (arXiv:1710.09412), §2; 0: none
  double cutmix = 0.0;  ///< alpha of Yun et al. 2019 (arXiv:1905.04899), Eq. 1; 0: none
};

/// Throws std::invalid_argument for values out of range, named as on the command line.
void check(const ImageBatchOptions& options);

/// Pictures [first, first + count) as a model reads them: float(byte) / 255, less the mean, over
/// the standard deviation; as preprocess() makes them.
ImageBatch fixed_image_batch(const LabelledImages& images, const ChannelStatistics& normalisation,
                             int64_t first, int64_t count);

class ImageBatches {
 public:
  /// Throws std::invalid_argument for no pictures, and for options out of range.
  ImageBatches(LabelledImages images, ChannelStatistics normalisation,
               const ImageBatchOptions& options);
  ~ImageBatches();

  ImageBatch next();
  const LabelledImages& images() const;
  /// Position in the data, as text.
  std::string state() const;
  /// Throws std::runtime_error for what is no such position.
  void restore(std::string_view state);

  /// A rest of pictures that fills no batch waits for another epoch's order.
  int64_t batches_per_epoch() const;

 private:
  struct Maker;  // what threads share
  std::shared_ptr<const Maker> maker_;
  int64_t threads_;
  int64_t next_ = 0;                           // batch, counted over all epochs
  std::deque<std::future<ImageBatch>> ahead_;  // batches next_, next_ + 1, ...
};

}  // namespace zoo
