#include "train/processes/c10d_watched.h"

#include <c10/util/Exception.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "train/processes/process_error.h"

namespace zoo {
namespace {

using c10::ivalue::Future;
using Clock = std::chrono::steady_clock;

// Most calls are done at once, and a sleep takes longer than they do.
constexpr std::chrono::microseconds kSpin{300}, kPoll{100};

std::string first_line(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = of_torch != nullptr ? of_torch->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

/// Ends once: with the result, or with the line about a lost process.
struct Promise final : Watch::Pending {
  void keep(const c10::IValue& value) {
    if (!ended.exchange(true)) future->markCompleted(value);
  }
  void end(const std::string& line) override {
    if (!ended.exchange(true)) future->setError(std::make_exception_ptr(ProcessLost(line)));
  }
  c10::intrusive_ptr<Future> future =
      c10::make_intrusive<Future>(c10::ListType::create(c10::TensorType::get()));
  std::atomic<bool> ended = false;
};

class WatchedWork final : public c10d::Work {
 public:
  WatchedWork(c10::intrusive_ptr<c10d::Work> work, std::shared_ptr<Watch> watch)
      : work_(std::move(work)), watch_(std::move(watch)) {}

  bool isCompleted() override { return work_->isCompleted(); }
  bool isSuccess() const override { return work_->isSuccess(); }
  std::exception_ptr exception() const override { return work_->exception(); }
  std::vector<at::Tensor> result() override { return work_->result(); }
  void synchronize() override { work_->synchronize(); }

  bool wait(std::chrono::milliseconds /*timeout*/) override {
    const auto began = Clock::now();
    while (!work_->isCompleted() && Clock::now() - began < kSpin) std::this_thread::yield();
    while (!work_->isCompleted()) {
      watch_->check();
      std::this_thread::sleep_for(kPoll);
    }
    try {
      return work_->wait();
    } catch (const std::exception& error) {
      throw ProcessLost(watch_->explain(first_line(error)));
    }
  }

  c10::intrusive_ptr<Future> getFuture() override {
    auto promise = std::make_shared<Promise>();
    watch_->end_with_fault(promise);
    work_->getFuture()->addCallback([promise, watch = watch_](Future& done) {
      if (done.hasError())
        promise->end(watch->explain(done.tryRetrieveErrorMessage()));
      else
        promise->keep(done.value());
    });
    return promise->future;
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
  std::shared_ptr<Watch> watch_;
};

class WatchedBackend final : public c10d::Backend {
 public:
  WatchedBackend(c10::intrusive_ptr<c10d::Backend> backend, std::shared_ptr<Watch> watch)
      : Backend(backend->getRank(), backend->getSize()),
        backend_(std::move(backend)),
        watch_(std::move(watch)) {}

  const std::string getBackendName() const override { return backend_->getBackendName(); }
  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override {
    return watch(backend_->allreduce(tensors, options));
  }
  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>& tensors,
                                           const c10d::BroadcastOptions& options) override {
    return watch(backend_->broadcast(tensors, options));
  }
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                           std::vector<at::Tensor>& inputs,
                                           const c10d::AllgatherOptions& options) override {
    return watch(backend_->allgather(outputs, inputs, options));
  }

 private:
  c10::intrusive_ptr<c10d::Work> watch(c10::intrusive_ptr<c10d::Work> work) const {
    return c10::make_intrusive<WatchedWork>(std::move(work), watch_);
  }

  c10::intrusive_ptr<c10d::Backend> backend_;
  std::shared_ptr<Watch> watch_;
};

}  // namespace

c10::intrusive_ptr<c10d::Backend> watched(c10::intrusive_ptr<c10d::Backend> backend,
                                          std::shared_ptr<Watch> watch) {
  return c10::make_intrusive<WatchedBackend>(std::move(backend), std::move(watch));
}

}  // namespace zoo
