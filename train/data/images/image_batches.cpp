#include "train/data/images/image_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "base/option_checks.h"
#include "models/batching/random.h"
#include "models/layers/batch_shard.h"

namespace zoo {
namespace {

// Streams of random numbers that must not meet.
constexpr uint64_t kOrder = 1, kPicture = 2, kMixing = 3;

/// Byte -> normalised value, of each channel; rounded as preprocess() does.
using Tables = std::vector<std::array<float, 256>>;

Tables make_tables(const ChannelStatistics& n) {
  Tables tables(n.mean.size());
  for (size_t c = 0; c < tables.size(); ++c) {
    for (size_t v = 0; v < 256; ++v) {
      const auto scaled = static_cast<float>(static_cast<double>(v) * (1.0 / 255.0));
      tables[c][v] = (scaled - static_cast<float>(n.mean[c])) / static_cast<float>(n.std[c]);
    }
  }
  return tables;
}

void normalise(const uint8_t* bytes, size_t plane, const Tables& tables, float* out) {
  for (const auto& table : tables) {
    for (size_t i = 0; i < plane; ++i) *out++ = table[*bytes++];
  }
}

/// Jöhnk's method for Beta(alpha, alpha): of two draws to the power of 1 / alpha, the share of one
/// in their sum, where that is at most 1. For small alphas both powers vanish; their logarithms do
/// not.
double draw_beta(double alpha, std::mt19937_64& random) {
  constexpr int kAttempts = 10'000;  // alpha 4 needs 70 on average
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double u = uniform(random), v = uniform(random);
    const double x = std::pow(u, 1.0 / alpha), y = std::pow(v, 1.0 / alpha);
    if (x + y > 1.0 || (u == 0.0 && v == 0.0)) continue;
    if (x + y > 0.0) return x / (x + y);
    const double log_ratio = (std::log(v) - std::log(u)) / alpha;
    return 1.0 / (1.0 + std::exp(log_ratio));
  }
  return 0.5;  // the mean
}

/// A rectangle of every picture comes from its partner; returns the share that is left.
double cut_and_paste(torch::Tensor& pixels, const torch::Tensor& partners, double share,
                     std::mt19937_64& random) {
  const int64_t H = pixels.size(2), W = pixels.size(3);
  const double side = std::sqrt(1.0 - share);
  const auto range = [&](int64_t length) {  // half of the side around a point, cut at the edges
    const auto centre = static_cast<int64_t>(uniform(random) * static_cast<double>(length));
    const auto half = static_cast<int64_t>(side * static_cast<double>(length)) / 2;
    return std::pair(std::max<int64_t>(centre - half, 0), std::min(centre + half, length));
  };
  const auto [top, bottom] = range(H);
  const auto [left, right] = range(W);
  const auto part = [&, t = top, b = bottom, l = left, r = right](const torch::Tensor& x) {
    return x.slice(2, t, b).slice(3, l, r);
  };
  part(pixels).copy_(part(partners));
  return 1.0 - static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(H * W);
}

}  // namespace

void check(const ImageBatchOptions& o) {
  require_option(o.batch >= 1, "batch-size", o.batch, "1 or more");
  require_option(o.threads >= 0 && o.threads <= 256, "loader-threads", o.threads, "from 0 to 256");
  require_option(o.mixup >= 0.0 && o.mixup <= 4.0, "mixup", o.mixup, "in [0, 4]");
  require_option(o.cutmix >= 0.0 && o.cutmix <= 4.0, "cutmix", o.cutmix, "in [0, 4]");
  check(o.augment);
}

ImageBatch fixed_image_batch(const LabelledImages& images, const ChannelStatistics& normalisation,
                             int64_t first, int64_t count) {
  const Tables tables = make_tables(normalisation);
  const auto bytes = images.pixels.narrow(0, first, count).contiguous();
  ImageBatch batch{.pixels = torch::empty(bytes.sizes(), torch::kFloat),
                   .labels = images.labels.narrow(0, first, count),
                   .total = count};
  const auto plane = static_cast<size_t>(bytes.size(2) * bytes.size(3));
  for (int64_t b = 0; b < count; ++b) {
    normalise(bytes[b].data_ptr<uint8_t>(), plane, tables, batch.pixels[b].data_ptr<float>());
  }
  return batch;
}

struct ImageBatches::Maker {
  LabelledImages images;
  ImageBatchOptions options;
  Tables tables;
  std::vector<uint8_t> fill;  // the mean of each channel
  // The order of the epoch asked for last.
  mutable std::mutex mutex;
  mutable int64_t ordered_epoch = -1;
  mutable std::shared_ptr<const std::vector<int64_t>> order;

  int64_t rows() const { return std::min(options.batch, images.size()); }
  int64_t batches() const { return images.size() / rows(); }
  std::shared_ptr<const std::vector<int64_t>> order_of(int64_t epoch) const;
  Planes picture(int64_t index, int64_t epoch) const;
  /// The pictures at these places of batch `number`, nothing mixed in.
  ImageBatch pictures(int64_t number, const std::vector<int64_t>& places) const;
  bool mixes() const { return options.mixup > 0.0 || options.cutmix > 0.0; }
  void mix(ImageBatch& batch, const ImageBatch& partners, int64_t number) const;
  ImageBatch make(int64_t number) const;
};

std::shared_ptr<const std::vector<int64_t>> ImageBatches::Maker::order_of(int64_t epoch) const {
  const std::scoped_lock lock(mutex);
  if (epoch != ordered_epoch) {
    std::vector<int64_t> indices(static_cast<size_t>(images.size()));
    std::iota(indices.begin(), indices.end(), int64_t{0});
    auto random = generator_for({options.seed, kOrder, static_cast<uint64_t>(epoch)});
    shuffle(indices, random);
    order = std::make_shared<const std::vector<int64_t>>(std::move(indices));
    ordered_epoch = epoch;
  }
  return order;
}

Planes ImageBatches::Maker::picture(int64_t index, int64_t epoch) const {
  auto random = generator_for(
      {options.seed, kPicture, static_cast<uint64_t>(epoch), static_cast<uint64_t>(index)});
  return augmented(images.pixels[index], options.augment, fill, random);
}

/// The last picture is mixed into the first, the second last into the second, and so on.
void ImageBatches::Maker::mix(ImageBatch& batch, const ImageBatch& partners, int64_t number) const {
  auto random = generator_for({options.seed, kMixing, static_cast<uint64_t>(number)});
  const bool both = options.mixup > 0.0 && options.cutmix > 0.0;
  const bool cuts = both ? uniform(random) < 0.5 : options.cutmix > 0.0;
  batch.share = draw_beta(cuts ? options.cutmix : options.mixup, random);
  batch.mixed_labels = partners.labels;
  if (cuts)
    batch.share = cut_and_paste(batch.pixels, partners.pixels, batch.share, random);
  else
    batch.pixels.mul_(batch.share).add_(partners.pixels, 1.0 - batch.share);
}

ImageBatch ImageBatches::Maker::make(int64_t number) const {
  const BatchShard mine = shard_of(rows(), options.rank, options.processes);
  std::vector<int64_t> places(static_cast<size_t>(mine.rows));
  std::iota(places.begin(), places.end(), mine.first);
  ImageBatch batch = pictures(number, places);
  if (!mixes()) return batch;
  if (mine.rows == rows()) {  // the partners are here
    mix(batch, {.pixels = batch.pixels.flip(0), .labels = batch.labels.flip(0)}, number);
    return batch;
  }
  for (int64_t& place : places) place = rows() - 1 - place;
  mix(batch, pictures(number, places), number);
  return batch;
}

ImageBatch ImageBatches::Maker::pictures(int64_t number, const std::vector<int64_t>& places) const {
  const int64_t epoch = number / batches(), start = number % batches() * rows();
  const auto indices = order_of(epoch);
  const int64_t B = std::ssize(places);
  ImageBatch batch{.pixels = torch::empty(
                       {B, images.pixels.size(1), images.pixels.size(2), images.pixels.size(3)}),
                   .labels = torch::empty({B}, torch::kLong),
                   .total = rows()};
  const auto plane = static_cast<size_t>(images.pixels.size(2) * images.pixels.size(3));
  const size_t numbers = plane * tables.size();
  for (int64_t b = 0; b < B; ++b) {
    const int64_t index = (*indices)[static_cast<size_t>(start + places[static_cast<size_t>(b)])];
    const Planes image = picture(index, epoch);
    normalise(image.values.data(), plane, tables,
              batch.pixels.data_ptr<float>() + static_cast<size_t>(b) * numbers);
    batch.labels.data_ptr<int64_t>()[b] = images.labels.data_ptr<int64_t>()[index];
  }
  return batch;
}

ImageBatches::ImageBatches(LabelledImages images, ChannelStatistics normalisation,
                           const ImageBatchOptions& options)
    : threads_(options.threads) {
  check(options);
  if (images.size() == 0) throw std::invalid_argument("no pictures to make batches of");
  images.pixels = images.pixels.contiguous();
  images.labels = images.labels.contiguous();
  auto maker = std::make_shared<Maker>();
  maker->fill = fill_of(normalisation.mean);
  maker->images = std::move(images);
  maker->options = options;
  maker->tables = make_tables(normalisation);
  maker_ = std::move(maker);
}

ImageBatches::~ImageBatches() = default;

ImageBatch ImageBatches::next() {
  if (threads_ == 0) return maker_->make(next_++);
  while (std::ssize(ahead_) < threads_ + 1) {
    ahead_.push_back(
        std::async(std::launch::async,
                   [maker = maker_, n = next_ + std::ssize(ahead_)] { return maker->make(n); }));
  }
  auto first = std::move(ahead_.front());
  ahead_.pop_front();
  ++next_;
  return first.get();
}

const LabelledImages& ImageBatches::images() const { return maker_->images; }

std::string ImageBatches::state() const { return fmt::format("batch {}", next_); }

void ImageBatches::restore(std::string_view state) {
  constexpr std::string_view kWord = "batch ";
  int64_t number = -1;
  const char* end = state.data() + state.size();
  const bool known = state.starts_with(kWord);
  const auto [rest, error] =
      std::from_chars(state.data() + (known ? kWord.size() : 0), end, number);
  if (!known || error != std::errc() || rest != end || number < 0)
    throw std::runtime_error("position in the data: expected 'batch' and a number");
  ahead_.clear();
  next_ = number;
}

int64_t ImageBatches::batches_per_epoch() const { return maker_->batches(); }

}  // namespace zoo
