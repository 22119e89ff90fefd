// Device code on fibers, tested in every schedule.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "simt/launch.h"
#include "testing/check_case.h"

namespace sb::testing {

// Its launches go in the order that is the test's parameter.
class Scheduled : public ::testing::TestWithParam<simt::Order> {
 protected:
  Scheduled() { use(1); }
  ~Scheduled() override { simt::current_schedule() = before_; }
  static void use(std::uint64_t seed) {
    simt::current_schedule() = {.order = GetParam(), .seed = seed};
  }

 private:
  simt::Schedule before_ = simt::current_schedule();
};

inline auto every_schedule() { return ::testing::ValuesIn(simt::kAllOrders); }
inline std::string name_of_schedule(const ::testing::TestParamInfo<simt::Order>& info) {
  return std::string(name_of(info.param));
}

// Was the kernel found out: by its answer or by the memory checker?
inline bool found_out(Case& c, const std::function<std::unique_ptr<Kernel>(const Problem&)>& make,
                      int calls = 2) {
  const Variant variant{.op = std::string(c.op().name()), .name = "found out", .make = make};
  try {
    c.run(variant, calls);
    return !c.fault().empty();
  } catch (const std::runtime_error&) {
    return true;
  }
}

// Warps that keep pace do each other no harm: without the checker a barrier is surely missed only
// where one warp runs ahead.
inline bool shows_missing_barriers(simt::Order order) {
  return simt::memory_is_checked() || order == simt::Order::kSkewed;
}

}  // namespace sb::testing
