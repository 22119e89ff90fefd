// mma.sync, ldmatrix and cp.async. Fragment maps: PTX ISA, sections on mma.m16n8k16 with 16-bit
// operands and on ldmatrix.
#include <cstring>

#include "core/dtype.h"
#include "simt/meeting.h"
#include "simt/observer.h"

namespace sb::simt {
namespace {

constexpr unsigned kCopyBytes = 16;

float float_of(Half format, std::uint32_t word, int half) {
  const auto bits = static_cast<std::uint16_t>(word >> (16 * half));
  return format == Half::kBf16 ? bf16_to_float(bits) : f16_to_float(bits);
}

struct Product {
  const std::uint32_t* a;
  const std::uint32_t* b;
  float* c;
};

// C += A B with A 16x16, B 16x8, C 16x8. Lane = 4 * row + pair of columns in every fragment.
void multiply(Half format, const Meeting& lanes) {
  float a[16][16], b[16][8];
  const auto product = [&](unsigned lane) -> const Product& {
    return *static_cast<const Product*>(lanes.payload[lane]);
  };
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned row = lane / 4, pair = 2 * (lane % 4);
    for (unsigned i = 0; i < 4; ++i) {
      for (int h = 0; h < 2; ++h) {
        a[row + 8 * (i % 2)][pair + 8 * (i / 2) + static_cast<unsigned>(h)] =
            float_of(format, product(lane).a[i], h);
        if (i >= 2) continue;
        b[pair + 8 * i + static_cast<unsigned>(h)][row] = float_of(format, product(lane).b[i], h);
      }
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + 8 * (i / 2), col = 2 * (lane % 4) + i % 2;
      float sum = product(lane).c[i];
      for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[k][col];
      product(lane).c[i] = sum;
    }
  }
}

struct Load {
  const void* row;
  std::uint32_t* to;
};

// Matrix j has its rows at lanes 8j ... 8j+7.
void load(bool transposed, const Meeting& lanes) {
  const auto of = [&](unsigned lane) { return *static_cast<const Load*>(lanes.payload[lane]); };
  for (unsigned j = 0; j < 4; ++j) {
    std::uint16_t m[8][8];
    for (unsigned i = 0; i < 8; ++i) std::memcpy(m[i], of(8 * j + i).row, sizeof m[i]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned row = lane / 4, pair = 2 * (lane % 4);
      const std::uint32_t low = transposed ? m[pair][row] : m[row][pair];
      const std::uint32_t high = transposed ? m[pair + 1][row] : m[row][pair + 1];
      of(lane).to[j] = high << 16 | low;
    }
  }
}

bool misaligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % kCopyBytes != 0;
}

void carry_out(const Copy& copy) {
  if (observer != nullptr) {
    if (copy.from != nullptr) {
      observer->access(copy.from, kCopyBytes, false, Observer::kCopyAsync);
    }
    observer->access(copy.to, kCopyBytes, true, Observer::kCopyAsync);
  }
  if (copy.from == nullptr) {
    std::memset(copy.to, 0, kCopyBytes);
  } else {
    std::memcpy(copy.to, copy.from, kCopyBytes);
  }
}

}  // namespace

void multiply_matrices(Half format, const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       float (&c)[4], const char* site) {
  Product own{a, b, c};
  together(Together::kMultiply, ~0u, &own, site, [=](const Meeting& m) { multiply(format, m); });
}

void load_matrices(const void* row, bool transposed, std::uint32_t (&to)[4], const char* site) {
  const InRuntime in_runtime;
  if (misaligned(row)) {
    report_error(std::string("ldmatrix at ") + site + ": no multiple of 16 bytes");
    end_thread();
  }
  if (observer != nullptr) observer->access(row, kCopyBytes, false, Observer::kLoadMatrices);
  Load own{row, to};
  together(Together::kLoadMatrices, ~0u, &own, site,
           [=](const Meeting& m) { load(transposed, m); });
}

void copy_async(void* to, const void* from) {
  const InRuntime in_runtime;
  if (misaligned(to) || misaligned(from)) {
    report_error("cp.async: no multiple of 16 bytes");
    end_thread();
  }
  if (observer != nullptr) observer->access(to, kCopyBytes, true, Observer::kCopyAsync);
  std::memset(to, 0xff, kCopyBytes);
  grid().current().uncommitted.push_back({to, from});
}

void commit_copies() {
  const InRuntime in_runtime;
  Thread& t = grid().current();
  t.copies.push_back(std::exchange(t.uncommitted, {}));
}

void wait_for_copies(int pending_groups) {
  const InRuntime in_runtime;
  auto& groups = grid().current().copies;
  const auto pending = static_cast<std::size_t>(pending_groups);
  if (groups.size() <= pending) return;
  const auto done = groups.end() - pending_groups;
  for (auto group = groups.begin(); group != done; ++group) {
    for (const Copy& copy : *group) carry_out(copy);
  }
  groups.erase(groups.begin(), done);
}

}  // namespace sb::simt
