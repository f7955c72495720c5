#include "train/objectives/meter.h"

#include <cmath>

#include "train/objectives/token_loss.h"

namespace zoo {

void DeviceSum::add(const torch::Tensor& value) {
  const auto term = type_ ? value.detach().to(*type_) : value.detach();
  sum_ = sum_.defined() ? sum_ + term : term;
}

double DeviceSum::value() const { return sum_.defined() ? sum_.item<double>() : 0.0; }

void DeviceSum::set(double value) { sum_ = torch::full({}, value, torch::kDouble); }

void MeanMeter::add(const torch::Tensor& sum, const torch::Tensor& count) {
  sum_.add(sum);
  count_.add(count);
}

void MeanMeter::add(const torch::Tensor& sum, double count) {
  sum_.add(sum);
  host_count_ += count;
}

void PredictionMeter::add(const torch::Tensor& logits, const torch::Tensor& targets) {
  loss_.add(cross_entropy_sum(logits, targets), count_targets(targets));
  correct_.add(correct_tokens(logits, targets));
}

std::map<std::string, double> PredictionMeter::metrics() const {
  return {{"loss", loss()}, {"perplexity", std::exp(loss())}, {"accuracy", accuracy()}};
}

}  // namespace zoo
