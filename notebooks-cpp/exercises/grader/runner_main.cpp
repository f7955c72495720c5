// exercise_runner LIBRARY: loads a student's functions and answers calls. Knows no right answers.
// Descriptors: 3 brings calls, 4 takes answers.
#include <dlfcn.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <new>

#include "notebooks-cpp/exercises/grader/call_watch.h"
#include "notebooks-cpp/exercises/grader/contain.h"
#include "notebooks-cpp/exercises/grader/pipe.h"
#include "notebooks-cpp/exercises/grader/student.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises {
namespace {

constexpr int kRequests = 3, kAnswers = 4;

struct Reply {
  std::string status = "answer", message = {};
  Value value = {};
  Values gradients = {};
  std::vector<int64_t> modified = {};
  bool differentiable = true;
  CallCost cost = {};
};

Value to_value(const Reply& reply) {
  return c10::ivalue::Tuple::create({reply.status, reply.message, reply.value,
                                     c10::ivalue::Tuple::create(reply.gradients), reply.modified,
                                     reply.cost.seconds, reply.cost.megabytes, reply.differentiable,
                                     reply.cost.operators});
}

void send(const Reply& reply) { write_frame(kAnswers, to_value(reply)); }

/// The first line, without what torch adds about its own sources.
std::string first_line(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), size_t{300}));
}

void add_gradients(Reply& reply, const std::vector<torch::Tensor>& inputs, const Values& upstream) {
  std::vector<torch::Tensor> outputs, given;
  const auto results = floats_of(reply.value);
  for (size_t n = 0; n < std::min(results.size(), upstream.size()); ++n) {
    if (!results[n].requires_grad() || results[n].sizes() != upstream[n].toTensor().sizes())
      continue;
    outputs.push_back(results[n]);
    given.push_back(upstream[n].toTensor().to(results[n].dtype()));
  }
  reply.differentiable = !outputs.empty();
  if (outputs.empty()) return;
  for (const auto& gradient : torch::autograd::grad(outputs, inputs, given, {}, false, true))
    reply.gradients.push_back(gradient.defined() ? Value(gradient) : Value());
}

Reply answer(const std::vector<Function>& functions, const Value& request) {
  const auto& fields = request.toTupleRef().elements();
  const auto name = fields.at(0).toStringRef();
  const auto upstream = fields.at(2).toTupleRef().elements().vec();
  const Value arguments = fields.at(1);
  const auto found = std::find_if(functions.begin(), functions.end(),
                                  [&](const Function& function) { return function.name == name; });
  if (found == functions.end()) throw std::logic_error("the shim lacks the function " + name);

  std::vector<Value> originals;  // copies, to see what the call changes
  for (const auto& argument : arguments.toTupleRef().elements())
    originals.push_back(map_tensors(argument, [](const auto& tensor) { return tensor.clone(); }));
  const auto inputs = floats_of(arguments);
  if (!upstream.empty())
    for (auto input : inputs) input.requires_grad_(true);

  Reply reply;
  CallWatch watch;
  reply.value = found->call(arguments.toTupleRef().elements().vec());
  reply.cost = watch.end();
  if (!upstream.empty()) add_gradients(reply, inputs, upstream);

  torch::NoGradGuard no_grad;
  for (size_t n = 0; n < originals.size(); ++n) {
    const auto now =
        map_tensors(arguments.toTupleRef().elements()[n], [](const auto& t) { return t.detach(); });
    if (compare_values(originals[n], now, 0)) reply.modified.push_back(static_cast<int64_t>(n));
  }
  reply.value = map_tensors(
      reply.value, [](const auto& tensor) { return tensor.detach().contiguous().clone(); });
  return reply;
}

Reply failure(const std::string& status, const std::string& message) {
  Reply reply;
  reply.status = status;
  reply.message = first_line(message);
  return reply;
}

bool is_memory(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos;
}

Reply answer_or_failure(const std::vector<Function>& functions, const Value& request) try {
  return answer(functions, request);
} catch (const NotDone& error) {
  return failure("not done", error.what());
} catch (const std::bad_alloc&) {
  return failure("memory", "it asked for more memory than the exercise may have");
} catch (const c10::Error& error) {
  if (is_memory(error.what()))
    return failure("memory", "it asked for more memory than the exercise may have");
  return failure("threw", "it threw: " + first_line(error.what_without_backtrace()));
} catch (const std::exception& error) {
  return failure("threw", std::string("it threw: ") + error.what());
} catch (...) {
  return failure("threw", "it threw something that is no std::exception");
}

std::vector<Function> load(const char* library) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw std::runtime_error(std::string("its library could not be loaded: ") + dlerror());
  void* symbol = dlsym(handle, "exercise_functions");
  if (symbol == nullptr) throw std::runtime_error("its library has no functions for the grader");
  std::vector<Function> functions;
  reinterpret_cast<void (*)(std::vector<Function>&)>(symbol)(functions);
  return functions;
}

int run(const char* library) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  torch::ones({1}, torch::requires_grad()).sum().backward();  // starts autograd's threads
  CallWatch::prepare();
  contain(kAnswers, [](const std::string& tried) {
    return make_frame(to_value(failure("forbidden", "it " + tried)));
  });
  std::vector<Function> functions;
  try {
    functions = load(library);
  } catch (const std::exception& error) {
    send(failure("threw", error.what()));
    return 0;
  }
  send({});
  FrameReader reader(kRequests);
  while (true) {
    const auto arrival = reader.read_some();
    if (!arrival) continue;
    if (*arrival != Arrival::kFrame) return 0;
    const Reply reply = answer_or_failure(functions, reader.take());
    std::fflush(nullptr);  // what it printed, before the next call may end it
    std::cout.flush();
    send(reply);
  }
}

}  // namespace
}  // namespace exercises

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // Whether this system has the filter of system calls: 0 if so.
  if (std::string_view(argv[1]) == "--contained")
    return exercises::contain(1, [](const std::string&) { return std::vector<char>(); }) ? 0 : 1;
  return exercises::run(argv[1]);
}
