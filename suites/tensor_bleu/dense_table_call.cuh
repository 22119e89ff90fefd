// tensor_bleu on a GPU by dense_table: its workspace and launches.
#pragma once

#include <bit>

#include "suites/tensor_bleu/dense_table.cuh"
#include "suites/tensor_bleu/device_call.cuh"

namespace sb::tensor_bleu {
namespace {

inline unsigned blocks_for(std::int64_t threads) {
  return static_cast<unsigned>((threads + kDenseThreads - 1) / kDenseThreads);
}

struct DenseWork {
  explicit DenseWork(const Shape& s)
      : rows(s.b * (1 + s.refs)),
        sorted(static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(rows * s.s)))),
        tokens(ints(2 * rows * s.s)),
        lengths(ints(rows)),
        items(ints(sorted)),
        ids(ints(rows * s.s)),
        unique(ints(1)) {
    for (auto& table : tables) table = ints(s.b * rows * s.s);
  }
  static std::shared_ptr<DeviceArray> ints(std::int64_t count) {
    return std::make_shared<DeviceArray>(static_cast<std::size_t>(count) * sizeof(int));
  }

  std::int64_t rows;
  int sorted;
  std::shared_ptr<DeviceArray> tokens, lengths, items, ids, unique, tables[3];
};

inline DenseCall dense_call(const Shape& s, const DenseWork& work, const Operands& o) {
  return {.candidates = o.get<const std::int64_t>(kCandidates),
          .references = o.get<const std::int64_t>(kReferences),
          .counts = o.get<std::int64_t>(kCounts),
          .tokens = work.tokens->as<std::int64_t>(),
          .lengths = work.lengths->as<int>(),
          .items = work.items->as<int>(),
          .ids = work.ids->as<int>(),
          .unique = work.unique->as<int>(),
          .of_candidate = work.tables[0]->as<int>(),
          .of_reference = work.tables[1]->as<int>(),
          .most = work.tables[2]->as<int>(),
          .pad = s.pad,
          .b = static_cast<int>(s.b),
          .s = static_cast<int>(s.s),
          .refs = static_cast<int>(s.refs),
          .orders = s.rule.counted_orders(),
          .sorted = work.sorted};
}

// Sorts call.items by their n-grams: Batcher's network, log^2 launches and no workspace.
template <DenseBug kBug>
struct BitonicSort {
  explicit BitonicSort(int) {}

  void operator()(const DenseCall& call, int n) const {
    const Blocks pairs{.x = blocks_for(call.sorted / 2), .threads = kDenseThreads};
    const int last = kBug == DenseBug::kLastMergeLeftOut ? call.sorted / 2 : call.sorted;
    for (int run = 2; run <= last; run *= 2) {
      for (int distance = run / 2; distance > 0; distance /= 2) {
        launch(pairs, sort_step<kBug>, call, n, run, distance);
      }
    }
  }
};

// Clears and counts are grid-stride over tables whose width only the device knows.
template <DenseBug kBug, typename Sort>
void count_order(const DenseCall& call, int n, const Sort& sort) {
  const Blocks cells{.x = 2 * static_cast<unsigned>(multiprocessors()), .threads = kDenseThreads};
  const Blocks places{.x = blocks_for(std::int64_t{call.b} * call.s), .threads = kDenseThreads};
  launch({.x = blocks_for(call.sorted), .threads = kDenseThreads}, list_ngrams<kBug>, call, n);
  sort(call, n);
  launch({.threads = kDenseThreads}, number_ngrams<kBug>, call, n);
  for (int* table : {call.of_candidate, call.most}) launch(cells, clear_table<kBug>, call, table);
  launch(places, count_into<kBug>, call, n, 0, call.of_candidate);
  const int refs = kBug == DenseBug::kLastReferenceLeftOut ? call.refs - 1 : call.refs;
  for (int k = 1; k <= refs; ++k) {
    launch(cells, clear_table<kBug>, call, call.of_reference);
    launch(places, count_into<kBug>, call, n, k, call.of_reference);
    launch(cells, raise_most<kBug>, call);
  }
  launch({.x = blocks_for(32 * call.b), .threads = kDenseThreads}, sum_clipped<kBug>, call, n);
}

template <DenseBug kBug = DenseBug::kNone, typename Sort = BitonicSort<kBug>>
DeviceRun dense_table_run(const Problem& problem) {
  const Shape s(problem);
  const DenseWork work(s);
  const auto sort = std::make_shared<Sort>(work.sorted);
  return [=](const Operands& o) {
    const DenseCall call = dense_call(s, work, o);
    launch({.x = blocks_for(32 * work.rows), .threads = kDenseThreads}, read_rows<kBug>, call);
    for (int n = 1; n <= call.orders; ++n) count_order<kBug>(call, n, *sort);
    launch_scores(s, o);
  };
}

inline double dense_table_bytes(const Shape& s) {
  return 3.0 * 4 * static_cast<double>(s.b) * static_cast<double>(s.b * (1 + s.refs) * s.s);
}

inline std::string why_not_dense(const Problem& problem) {
  constexpr double kMostBytes = 12e9;
  const Shape s(problem);
  if (s.b * (1 + s.refs) * s.s > 1 << 30) return "more than 2^30 places for n-grams";
  if (dense_table_bytes(s) > kMostBytes) return "its tables would take more than 12 GB";
  return why_not_on_device(problem);
}

}  // namespace
}  // namespace sb::tensor_bleu
