// Threads of a test as the processes of a data-parallel run. They share torch's generators, so what
// they run must not draw.
#pragma once
#include <torch/utils.h>

#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "train/loop/processes.h"

namespace zoo::testing {

/// Where the threads of a test meet to see each other's tensors.
class Meeting {
 public:
  explicit Meeting(std::ptrdiff_t size)
      : size_(size), barrier_(size), values_(static_cast<size_t>(size)) {}
  std::ptrdiff_t size() const { return size_; }

  /// Copies of every thread's value, in the order of ranks.
  template <class Value>
  std::vector<Value> collect(int64_t rank, const Value& value) {
    values_.at(static_cast<size_t>(rank)) = &value;
    barrier_.arrive_and_wait();
    std::vector<Value> all;
    for (const void* of_rank : values_) all.push_back(copy(*static_cast<const Value*>(of_rank)));
    barrier_.arrive_and_wait();
    return all;
  }

 private:
  static std::string copy(const std::string& text) { return text; }
  static torch::Tensor copy(const torch::Tensor& tensor) { return tensor.detach().clone(); }
  static std::vector<torch::Tensor> copy(const std::vector<torch::Tensor>& tensors) {
    std::vector<torch::Tensor> copies;
    for (const auto& tensor : tensors) copies.push_back(copy(tensor));
    return copies;
  }
  std::ptrdiff_t size_;
  std::barrier<> barrier_;
  std::vector<const void*> values_;
};

class ThreadProcess final : public Processes {
 public:
  ThreadProcess(Meeting& meeting, int64_t rank) : meeting_(meeting), rank_(rank) {}
  int64_t rank() const override { return rank_; }
  int64_t size() const override { return meeting_.size(); }
  void all_reduce_sum(const std::vector<torch::Tensor>& tensors) override {
    const torch::NoGradGuard no_grad;
    const auto all = meeting_.collect(rank_, tensors);
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].zero_();
      for (const auto& of_rank : all) tensors[i].add_(of_rank.at(i));
    }
  }
  torch::Tensor all_gather(const torch::Tensor& rows) override {
    return torch::cat(meeting_.collect(rank_, rows));
  }
  void broadcast(const std::vector<torch::Tensor>& tensors, int64_t from) override {
    const torch::NoGradGuard no_grad;
    const auto all = meeting_.collect(rank_, tensors);
    for (size_t i = 0; i < tensors.size(); ++i)
      tensors[i].copy_(all.at(static_cast<size_t>(from)).at(i));
  }
  std::vector<std::string> exchange(const std::string& text) override {
    return meeting_.collect(rank_, text);
  }
  std::unique_ptr<GradientSum> gradient_sum(const std::vector<torch::Tensor>&) override {
    return {};
  }

 private:
  Meeting& meeting_;
  int64_t rank_;
};

/// Runs `work(process)` in `size` threads at once.
template <class Work>
void in_processes(int64_t size, Work&& work) {
  Meeting meeting(size);
  std::vector<std::jthread> threads;
  for (int64_t rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadProcess process(meeting, rank);
      work(process);
    });
}

}  // namespace zoo::testing
