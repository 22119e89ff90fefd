#include "suites/fft_conv/pointwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/fft_conv/pointwise.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "backend/stored-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {
using namespace sb::HWY_NAMESPACE;

// The last elements of a row, fewer than a vector, through a whole vector's worth of stack.
template <class T>
struct Rest {
  T whole[kLanes] = {};
  HWY_INLINE const T* in(const T* from, std::int64_t count) {
    std::memcpy(whole, from, static_cast<std::size_t>(count) * sizeof(T));
    return whole;
  }
  HWY_INLINE void out(T* to, std::int64_t count) const {
    std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(T));
  }
};

template <class T>
void load_typed(const T* u, const T* gate, std::int64_t count, std::int64_t padded, float* z) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V v = load(u + i);
    store(gate == nullptr ? v : hn::Mul(v, load(gate + i)), z + i);
  }
  if (i < count) {
    Rest<T> part, part_gate;
    Rest<float> result;
    const V v = load(part.in(u + i, count - i));
    const V g = gate == nullptr ? hn::Set(kD, 1.0f) : load(part_gate.in(gate + i, count - i));
    store(hn::Mul(v, g), result.whole);
    result.out(z + i, count - i);
  }
  std::memset(z + count, 0, static_cast<std::size_t>(padded - count) * sizeof(float));
}

template <class T>
void store_typed(const float* c, const T* gate, std::int64_t count, T* y) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V v = load(c + i);
    store(gate == nullptr ? v : hn::Mul(v, load(gate + i)), y + i);
  }
  if (i == count) return;
  Rest<float> part;
  Rest<T> part_gate, result;
  const V v = load(part.in(c + i, count - i));
  const V g = gate == nullptr ? hn::Set(kD, 1.0f) : load(part_gate.in(gate + i, count - i));
  store(hn::Mul(v, g), result.whole);
  result.out(y + i, count - i);
}

void load_floats(Dtype dtype, const void* u, const void* gate, std::int64_t count,
                 std::int64_t padded, float* z) {
  for_stored_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    load_typed(static_cast<const T*>(u), static_cast<const T*>(gate), count, padded, z);
  });
}

void store_floats(Dtype dtype, const float* c, const void* gate, std::int64_t count, void* y) {
  for_stored_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    store_typed(c, static_cast<const T*>(gate), count, static_cast<T*>(y));
  });
}

enum class Product { kPlain, kConjugate };

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
// Interleaved: (a + ib)(c + id) with the pair's swap and a subtraction in every other lane.
template <Product kProduct>
HWY_INLINE V complex_product(V z, V k) {
  const V k_re = hn::DupEven(k);
  const V cross = hn::Mul(hn::Shuffle2301(z), hn::DupOdd(k));
  const V sum = hn::MulAdd(z, k_re, cross);
  const V difference = hn::MulSub(z, k_re, cross);
  return kProduct == Product::kPlain ? hn::OddEven(sum, difference) : hn::OddEven(difference, sum);
}
#endif

// Of `count` complex numbers; f(product, i) takes what lies at float i.
template <Product kProduct, class F>
HWY_INLINE void for_each_product(const float* z, const float* k, std::int64_t count, const F& f) {
  std::int64_t i = 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  for (; i + kLanes <= 2 * count; i += kLanes) {
    f.vector(complex_product<kProduct>(load(z + i), load(k + i)), i);
  }
#endif
  constexpr float kSign = kProduct == Product::kPlain ? 1 : -1;
  for (; i < 2 * count; i += 2) {
    const float k_im = kSign * k[i + 1];
    f.number(z[i] * k[i] - z[i + 1] * k_im, z[i] * k_im + z[i + 1] * k[i], i);
  }
}

struct Replace {
  float* z;
  HWY_INLINE void vector(V v, std::int64_t i) const { store(v, z + i); }
  HWY_INLINE void number(float re, float im, std::int64_t i) const {
    z[i] = re;
    z[i + 1] = im;
  }
};
struct Add {
  float* sum;
  HWY_INLINE void vector(V v, std::int64_t i) const { store(hn::Add(v, load(sum + i)), sum + i); }
  HWY_INLINE void number(float re, float im, std::int64_t i) const {
    sum[i] += re;
    sum[i + 1] += im;
  }
};

void multiply_here(float* z, const float* k, std::int64_t count) {
  for_each_product<Product::kPlain>(z, k, count, Replace{z});
}
void multiply_conjugate_here(float* z, const float* k, std::int64_t count) {
  for_each_product<Product::kConjugate>(z, k, count, Replace{z});
}
void add_product_conjugate_here(const float* z, const float* k, std::int64_t count, float* sum) {
  for_each_product<Product::kConjugate>(z, k, count, Add{sum});
}

void multiply_split_here(float* re, float* im, const float* k_re, const float* k_im,
                         std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V a = load(re + i), b = load(im + i), c = load(k_re + i), d = load(k_im + i);
    store(hn::NegMulAdd(b, d, hn::Mul(a, c)), re + i);
    store(hn::MulAdd(a, d, hn::Mul(b, c)), im + i);
  }
  for (; i < count; ++i) {
    const float a = re[i], b = im[i];
    re[i] = a * k_re[i] - b * k_im[i];
    im[i] = a * k_im[i] + b * k_re[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::fft_conv {

HWY_EXPORT(load_floats);
HWY_EXPORT(store_floats);
HWY_EXPORT(multiply_here);
HWY_EXPORT(multiply_conjugate_here);
HWY_EXPORT(add_product_conjugate_here);
HWY_EXPORT(multiply_split_here);

void load_row(Dtype dtype, const void* u, const void* gate, std::int64_t count, std::int64_t padded,
              float* z) {
  HWY_DYNAMIC_DISPATCH(load_floats)(dtype, u, gate, count, padded, z);
}
void store_row(Dtype dtype, const float* c, const void* gate, std::int64_t count, void* y) {
  HWY_DYNAMIC_DISPATCH(store_floats)(dtype, c, gate, count, y);
}
void multiply(float* z, const float* k, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(multiply_here)(z, k, count);
}
void multiply_conjugate(float* z, const float* k, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(multiply_conjugate_here)(z, k, count);
}
void add_product_conjugate(const float* z, const float* k, std::int64_t count, float* sum) {
  HWY_DYNAMIC_DISPATCH(add_product_conjugate_here)(z, k, count, sum);
}
void multiply_split(float* re, float* im, const float* k_re, const float* k_im,
                    std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(multiply_split_here)(re, im, k_re, k_im, count);
}

}  // namespace sb::fft_conv
#endif
