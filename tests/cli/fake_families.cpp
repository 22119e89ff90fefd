// Families for the tests of the command line: kernels that are right, wrong, slow to answer, that
// die and that hang. Linked into softmax-bench-fake, never into the program.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>

#include "core/counter_source.h"
#include "core/device_work.h"
#include "core/phase.h"
#include "core/registry.h"

#if defined(__SANITIZE_ADDRESS__)
// What dies here dies on purpose, by its signal; a report of it would be an exit code, and take
// longer than a case of the tests may.
extern "C" const char* __asan_default_options() { return "handle_segv=0"; }
#endif

namespace sb::fake {
namespace {

enum Place { kX, kY };

// y = 2 x
class Twice final : public Operation {
 public:
  std::string_view name() const override { return "twice"; }
  std::string_view formula() const override { return "y = 2 x"; }
  std::vector<ParamSpec> params() const override { return {{.name = "n", .doc = "numbers"}}; }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }
  std::string why_not(const Problem& problem) const override {
    return problem.params.integer("n") % 2 == 0 ? "" : "n must be even";
  }
  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const std::vector<std::int64_t> dims = {problem.params.integer("n")};
    return {{.name = "x", .dims = dims}, {.name = "y", .dims = dims, .role = Role::kOutput}};
  }
  Cost cost(const Problem& problem) const override {
    const auto n = static_cast<double>(problem.params.integer("n"));
    return {.flops = n, .bytes_compulsory = 8 * n};
  }
  std::vector<Expected> reference(const Problem& problem, const Operands& operands) const override {
    Expected expected{.tolerance = 1e-7};
    for (std::int64_t i = 0; i < problem.params.integer("n"); ++i) {
      expected.value.push_back(2.0 * operands.get<float>(kX)[i]);
      expected.scale.push_back(1);
    }
    return {expected};
  }
  std::vector<Mutant> mutants() const override { return {}; }
};

void twice(const Problem& problem, const Operands& operands) {
  for (std::int64_t i = 0; i < problem.params.integer("n"); ++i) {
    operands.get<float>(kY)[i] = 2 * operands.get<float>(kX)[i];
  }
}

Variant variant(const char* name, void (*extra)()) {
  return {
      .op = "twice", .name = name, .summary = "a fake", .make = [extra](const Problem& problem) {
        return kernel_from([problem, extra](const Operands& operands) {
          twice(problem, operands);
          extra();
        });
      }};
}

int calls = 0;

const Registration operation{std::make_unique<Twice>()};
const Registration right{variant("right", [] {})};
const Registration also_right{variant("also_right", [] {})};
const Registration slow{
    variant("slow", [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); })};
const Registration hangs{
    variant("hangs", [] { std::this_thread::sleep_for(std::chrono::hours(1)); })};
// As a kernel on a GPU that reads where it must not: from then on no call succeeds.
const Registration loses_device{
    variant("loses_device", [] { throw DeviceLost("an illegal memory access was encountered"); })};
const Registration throws{variant("throws", [] { throw std::runtime_error("out of luck"); })};
const Registration aborts{variant("aborts", [] { std::abort(); })};
const Registration segfaults{variant("segfaults", [] { std::raise(SIGSEGV); })};
const Registration exits{variant("exits", [] { std::_Exit(0); })};
// Passes verification and dies while it is timed.
const Registration dies_later{variant("dies_later", [] {
  if (++calls > 20) std::abort();
})};
const Registration unmakeable{Variant{
    .op = "twice", .name = "unmakeable", .make = [](const Problem&) -> std::unique_ptr<Kernel> {
      throw std::runtime_error("no plan for this size");
    }}};
const Registration wrong{
    Variant{.op = "twice", .name = "wrong", .make = [](const Problem& problem) {
              return kernel_from([problem](const Operands& operands) {
                twice(problem, operands);
                operands.get<float>(kY)[0] += 1;
              });
            }}};
const Registration refuses{
    Variant{.op = "twice",
            .name = "refuses",
            .why_not = [](const Problem&) { return "not in the mood"; },
            .make = [](const Problem&) { return kernel_from([](const Operands&) {}); }}};

// In two halves, each under a mark.
const Registration marked{
    Variant{.op = "twice", .name = "marked", .make = [](const Problem& problem) {
              return kernel_from([n = problem.params.integer("n")](const Operands& operands) {
                const float* x = operands.get<float>(kX);
                float* y = operands.get<float>(kY);
                const Traffic half{.read = 2.0 * static_cast<double>(n),
                                   .written = 2.0 * static_cast<double>(n)};
                {
                  const Phase phase("first half", half);
                  for (std::int64_t i = 0; i < n / 2; ++i) y[i] = 2 * x[i];
                }
                const Phase phase("second half", half);
                for (std::int64_t i = n / 2; i < n; ++i) y[i] = 2 * x[i];
              });
            }}};

// A machine's counters, where $SB_FAKE_COUNTERS is set.
class FakeCounters final : public CounterSource {
 public:
  void start() override {}
  std::vector<CounterValue> stop() override {
    return {{counter::kCycles, 1000, ""},
            {counter::kInstructions, 2000, ""},
            {counter::kMemoryBytes, 512, "B"}};
  }
};
const CounterRegistration counters{{.name = "fake",
                                    .why_not = []() -> std::string {
                                      return std::getenv("SB_FAKE_COUNTERS") != nullptr
                                                 ? ""
                                                 : "the fake counts nothing today";
                                    },
                                    .make = [] { return std::make_unique<FakeCounters>(); }}};

// What $SB_FAKE_BUILD says, so that one program can stand for two builds.
bool build_is(const char* what) {
  const char* build = std::getenv("SB_FAKE_BUILD");
  return build != nullptr && std::string_view(build) == what;
}

Variant changing() {
  Variant changing = variant("changing", [] {
    if (build_is("slow")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (build_is("dies")) std::raise(SIGSEGV);
    if (build_is("hangs")) std::this_thread::sleep_for(std::chrono::hours(1));
  });
  if (build_is("lacks")) changing.name = "changed";
  if (build_is("wrong")) {
    changing.make = [](const Problem&) { return kernel_from([](const Operands&) {}); };
  }
  return changing;
}
const Registration by_build{changing()};

// A variant of a device that other builds have no code for.
Variant on_gpu() {
  Variant on_gpu = variant("on_gpu", [] {});
  on_gpu.device = Device::kCuda;
  return on_gpu;
}
const std::optional<Registration> of_a_gpu =
    build_is("has_gpu") ? std::optional<Registration>(on_gpu()) : std::nullopt;

}  // namespace
}  // namespace sb::fake
