// What the CUDA variants of gr_kan_backward do around their kernel: workspace and the last sums.
#pragma once

#include <algorithm>
#include <memory>

#include "backend/device_variant.cuh"
#include "suites/gr_kan/backward.cuh"
#include "suites/gr_kan/gr_kan_op.h"

namespace sb::gr_kan {
namespace {

inline DeviceShape device_shape(const Shape& s) {
  return {.rows = s.rows,
          .d = s.d,
          .group_size = s.group_size,
          .groups = static_cast<int>(s.groups),
          .shared_numerator = s.shared_numerator};
}

inline unsigned blocks_for(std::int64_t items, std::int64_t each) {
  return static_cast<unsigned>((items + each - 1) / each);
}

// `kernel` on `blocks`, between clearing the sums (where several blocks add to one row of them) and
// writing the coefficients' gradients. `parts` rows of sums per group.
template <Bug kBug = Bug::kNone, typename KernelFunction>
DeviceRun backward_run(const Problem& problem, KernelFunction kernel, Blocks blocks, int parts) {
  const DeviceShape s = device_shape(Shape(problem));
  const int count = s.groups * parts * kTermsOnDevice;
  const auto partials =
      std::make_shared<DeviceArray>(static_cast<std::size_t>(count) * sizeof(float));
  return [=](const Operands& o) {
    using namespace backward;
    launch({.x = blocks_for(count, 256), .threads = 256}, clear<kBug>,
           partials->template as<float>(), count);
    if (s.rows > 0) {
      launch(blocks, kernel,
             Backward{.x = o.get<float>(kX),
                      .g = o.get<float>(kG),
                      .a = o.get<float>(kA),
                      .b = o.get<float>(kB),
                      .dx = o.get<float>(kDx),
                      .partials = partials->template as<float>(),
                      .shape = s});
    }
    launch({.x = blocks_for(s.groups * 10, 256), .threads = 256}, write_coefficients<kBug>,
           partials->template as<float>(), parts, o.get<float>(kB), o.get<float>(kDa),
           o.get<float>(kDb), s);
  };
}

}  // namespace
}  // namespace sb::gr_kan
