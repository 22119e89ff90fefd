#include "ptx/launch.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "ptx/counts.h"
#include "simt/device_runtime.h"
#include "simt/memory_checker.h"

namespace sb::ptx {
namespace {

std::vector<std::byte> packed(const Kernel& kernel, std::initializer_list<Argument> arguments) {
  std::vector<std::byte> bytes(kernel.bytes_of_parameters);
  std::size_t i = 0;
  for (const Argument& argument : arguments) {
    if (i == kernel.parameter_bytes.size() || kernel.parameter_bytes[i] != argument.bytes) break;
    std::memcpy(&bytes[kernel.parameter_offsets[i++]], argument.at, argument.bytes);
  }
  if (i != kernel.parameter_bytes.size() || i != arguments.size()) {
    throw std::invalid_argument("the launch of " + kernel.name + " does not give its parameters");
  }
  return bytes;
}

std::size_t resident_blocks(const simt::LaunchShape& shape, const simt::Schedule& schedule) {
  const std::size_t all = shape.grid.count();
  return shape.together ? all : std::clamp<std::size_t>(schedule.resident, 1, all);
}

// The words of all threads that can be alive at a time, in memory that outlives an ended thread.
class Grid {
 public:
  Grid(const Kernel& kernel, const simt::LaunchShape& shape, const simt::Schedule& schedule,
       std::vector<std::byte> parameters)
      : kernel_(kernel),
        parameters_(std::move(parameters)),
        threads_(shape.block.count()),
        words_(resident_blocks(shape, schedule) * threads_ * kernel.words.size()),
        recorder_(Recorder::active()),
        visits_(recorder_ == nullptr ? 0
                                     : words_.size() / kernel.words.size() * kernel.code.size()) {}

  void run_thread() {
    Frame frame = start();
    std::uint64_t steps = step_limit();
    const std::size_t end = kernel_.code.size();
    while (frame.next < end) {
      const std::size_t index = frame.next++;
      const Instruction& i = frame.code[index];
      if (steps-- == 0) end_in_loop(i);
      if (get<bool>(frame, i.guard) != i.guard_value) continue;
      ++kernel_.executed[index];
      if (frame.visits != nullptr) ++frame.visits[index];
      i.execute(frame, i);
    }
    if (recorder_ != nullptr) recorder_->thread_ends(frame);
  }

 private:
  [[noreturn]] static void end_in_loop(const Instruction& i) {
    simt::report_error(std::string("an endless loop at ") + i.site);
    simt::end_thread();
  }

  Frame start() {
    const simt::Self& s = simt::self();
    const std::size_t place = simt::running_slot * threads_ + s.flat;
    Frame frame{.words = &words_[place * kernel_.words.size()],
                .parameters = parameters_.data(),
                .bytes_of_parameters = parameters_.size(),
                .shared = simt::shared_window(),
                .code = kernel_.code.data(),
                .recorder = recorder_};
    std::copy(kernel_.words.begin(), kernel_.words.end(), frame.words);
    const simt::Extent extents[] = {s.thread, s.block_extent, s.block, s.grid_extent};
    for (unsigned k = 0; k < 4; ++k) {
      put(frame, kTid + 3 * k, extents[k].x);
      put(frame, kTid + 3 * k + 1, extents[k].y);
      put(frame, kTid + 3 * k + 2, extents[k].z);
    }
    put(frame, kLaneId, s.lane);
    for (const SharedArray& array : kernel_.shared) {
      void* at = array.bytes == 0 ? simt::shared_array_of_launch()
                                  : simt::shared_array(&array, array.bytes);
      put(frame, array.slot, static_cast<Word>(static_cast<std::byte*>(at) - frame.shared));
    }
    if (recorder_ != nullptr) {
      frame.visits = &visits_[place * kernel_.code.size()];
      std::fill_n(frame.visits, kernel_.code.size(), 0u);
    }
    return frame;
  }

  const Kernel& kernel_;
  std::vector<std::byte> parameters_;
  std::size_t threads_;
  std::vector<Word> words_;
  Recorder* recorder_;
  std::vector<std::uint32_t> visits_;
};

}  // namespace

std::uint64_t& step_limit() {
  static std::uint64_t limit = std::uint64_t{1} << 32;
  return limit;
}

simt::Report launch(const Kernel& kernel, const simt::LaunchShape& shape,
                    const simt::Schedule& schedule, std::initializer_list<Argument> arguments) {
  Grid grid(kernel, shape, schedule, packed(kernel, arguments));
  if (Recorder* recorder = Recorder::active()) {
    recorder->launch_begins(kernel, static_cast<unsigned>(shape.block.count()));
  }
  const simt::CheckedLaunch checked(
      [](std::uintptr_t site) { return std::string(reinterpret_cast<const char*>(site)); });
  simt::Report report = simt::launch(shape, schedule, [&grid] { grid.run_thread(); });
  if (Recorder* recorder = Recorder::active()) recorder->launch_ends(report.shared_bytes);
  return report;
}

}  // namespace sb::ptx
