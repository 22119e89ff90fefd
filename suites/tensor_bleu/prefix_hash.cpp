// prefix_hash: an n-gram is the pair (class of its (n-1)-gram prefix, class of its last token), a
// 64-bit key: nothing of variable length is hashed, no two n-grams are ever taken for one another,
// and order n starts from what order n-1 found. An n-gram can only match if its prefix and its last
// token did, so both sides carry on with the positions that are still alive: text that has little
// in common gets cheaper with every order. Reference n-grams, which change nothing in the table,
// are looked up a vector of keys at a time.
#include <algorithm>
#include <bit>

#include "core/registry.h"
#include "suites/tensor_bleu/per_sentence.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/tensor_bleu/prefix_hash.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "hwy/highway.h"

#ifndef SB_TENSOR_BLEU_PREFIX_HASH_TABLE
#define SB_TENSOR_BLEU_PREFIX_HASH_TABLE
namespace sb::tensor_bleu {

// Keys to classes by open addressing: the slot of a key is the first from its hash on that is empty
// or holds it. A key that is not there is of class `none`.
struct HashTable {
  static constexpr std::uint32_t kEmpty = 0xffffffff;
  static constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15u;  // 2^64 over the golden ratio

  std::uint64_t* keys;
  std::uint32_t* classes;
  int shift = 0;
  std::uint64_t mask = 0;
  std::uint32_t none = 0;

  std::size_t slot_of(std::uint64_t key) const {
    std::size_t slot = key * kFactor >> shift;
    // Not && for the two: an empty slot may hold any key, and both are loaded anyway.
    while ((classes[slot] != kEmpty) & (keys[slot] != key)) slot = (slot + 1) & mask;
    return slot;
  }
  std::uint32_t find(std::uint64_t key) const { return std::min(classes[slot_of(key)], none); }
};

// The classes of `count` keys.
using FindAll = void (*)(const HashTable& table, const std::uint64_t* keys, std::size_t count,
                         std::uint32_t* classes);

}  // namespace sb::tensor_bleu
#endif

HWY_BEFORE_NAMESPACE();
namespace sb::tensor_bleu {
namespace HWY_NAMESPACE {

// Lanes step on until all have met their key or an empty slot. One by one, every key that is not in
// its first slot costs a mispredicted branch.
void find_all(const HashTable& table, const std::uint64_t* keys, std::size_t count,
              std::uint32_t* classes) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_STATIC_TARGET
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<std::uint64_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint32_t, decltype(d)> dw;
  const hn::RebindToSigned<decltype(dw)> dwi;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto key = hn::LoadU(d, keys + i);
    auto slot = hn::ShiftRightSame(hn::Mul(key, hn::Set(d, HashTable::kFactor)), table.shift);
    for (;;) {
      const auto found =
          hn::GatherIndex(dw, table.classes, hn::BitCast(dwi, hn::TruncateTo(dw, slot)));
      const auto there = hn::GatherIndex(d, table.keys, hn::BitCast(di, slot));
      const auto empty = hn::Eq(hn::PromoteTo(d, found), hn::Set(d, HashTable::kEmpty));
      const auto settled = hn::Or(empty, hn::Eq(there, key));
      if (hn::AllTrue(d, settled)) {
        hn::StoreU(hn::Min(found, hn::Set(dw, table.none)), dw, classes + i);
        break;
      }
      const auto next = hn::And(hn::Add(slot, hn::Set(d, 1)), hn::Set(d, table.mask));
      slot = hn::IfThenElse(settled, slot, next);
    }
  }
#endif
  for (; i < count; ++i) classes[i] = table.find(keys[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::tensor_bleu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::tensor_bleu {
namespace {

// Keys to classes 0, 1, 2, ... Everything here and below that depends on the data is an arithmetic
// step and not a branch: on text, whether a token was seen before is as good as random, and a
// mispredicted branch costs more than the look-up.
class Classes {
 public:
  explicit Classes(std::int64_t most)
      : keys_(slots_for(most) * sizeof(std::uint64_t)),
        classes_(slots_for(most) * sizeof(std::uint32_t)),
        table_{keys_.as<std::uint64_t>(), classes_.as<std::uint32_t>()} {}

  // Room for `most` keys.
  void clear(std::int64_t most, std::uint32_t none) {
    const std::size_t slots = slots_for(most);
    table_.shift = 64 - std::countr_zero(slots);
    table_.mask = slots - 1;
    table_.none = none;
    size_ = 0;
    std::fill_n(table_.classes, slots, HashTable::kEmpty);
  }

  std::uint32_t insert(std::uint64_t key) {
    const std::size_t slot = table_.slot_of(key);
    std::uint32_t& found = table_.classes[slot];
    const bool is_new = found == HashTable::kEmpty;
    found = is_new ? size_ : found;
    table_.keys[slot] = key;
    size_ += is_new;
    return found;
  }
  const HashTable& table() const { return table_; }

 private:
  // At most a quarter full: nine keys in ten are where their hash says. Two slots at least, for a
  // shift below 64.
  static std::size_t slots_for(std::int64_t most) {
    return std::bit_ceil(static_cast<std::size_t>(4 * most + 2));
  }

  std::uint32_t size_ = 0;
  Buffer keys_;
  Buffer classes_;
  HashTable table_;
};

// A position whose n-gram may still match: where it starts, and the n-gram's class.
struct Alive {
  std::uint32_t position;
  std::uint32_t ngram;
};

template <FindAll kFindAll>
class PrefixHash {
 public:
  explicit PrefixHash(const Shape& shape)
      : none_(static_cast<std::uint32_t>(shape.s)),
        stride_(static_cast<std::size_t>(shape.s) + kMostOrders),
        classes_(shape.s),
        tokens_(rows(shape) * stride_ * sizeof(std::uint32_t)),
        alive_(rows(shape) * stride_ * sizeof(Alive)),
        keys_(stride_ * sizeof(std::uint64_t)),
        found_(stride_ * sizeof(std::uint32_t)),
        sizes_(rows(shape)),
        tallies_((static_cast<std::size_t>(shape.s) + 1) * sizeof(Tally)) {}

  void count(std::span<const Sentence> sentences, int orders, std::int64_t* num) {
    std::fill_n(num, orders, 0);
    num[0] = first_order(sentences);
    for (int n = 2; n <= orders && num[n - 2] > 0; ++n) {
      num[n - 1] = next_order(sentences, static_cast<std::uint32_t>(n));
    }
  }

 private:
  // Of a class of n-grams: how often it is in the candidate, most often in a reference so far (at
  // most `in_candidate`), and how often in the reference at hand. That of class none_ stays at 0
  // in the candidate, so it never counts.
  struct Tally {
    std::uint32_t in_candidate;
    std::uint32_t most;
    std::uint32_t now;
    std::uint32_t reference;
  };
  static std::size_t rows(const Shape& shape) { return static_cast<std::size_t>(1 + shape.refs); }
  std::uint32_t* tokens(std::size_t k) { return tokens_.as<std::uint32_t>() + k * stride_; }
  Alive* alive(std::size_t k) { return alive_.as<Alive>() + k * stride_; }
  // `token`: the classes of last tokens, by the position of the first.
  static std::uint64_t key_of(const Alive& a, const std::uint32_t* token) {
    return std::uint64_t{a.ngram} << 32 | token[a.position];
  }
  Tally& tally(std::uint32_t ngram) { return tallies_.as<Tally>()[ngram]; }

  void clear(std::int64_t most) {
    classes_.clear(most, none_);
    std::fill_n(tallies_.as<Tally>(), most, Tally{});
    tally(none_) = Tally{};
  }

  // Counts an n-gram of reference k; 1 if that makes the clipped sum larger.
  std::uint32_t tally_reference(std::uint32_t ngram, std::uint32_t k) {
    Tally& t = tally(ngram);
    t.now = (t.reference == k ? t.now : 0) + 1;
    t.reference = k;
    const std::uint32_t gain = (t.now > t.most) & (t.now <= t.in_candidate);
    t.most += gain;
    return gain;
  }

  std::int64_t first_order(std::span<const Sentence> sentences) {
    const Sentence& candidate = sentences.front();
    clear(candidate.length);
    for (std::int64_t i = 0; i < candidate.length; ++i) {
      const std::uint32_t token = classes_.insert(static_cast<std::uint64_t>(candidate.tokens[i]));
      tokens(0)[i] = token;
      ++tally(token).in_candidate;
    }
    std::int64_t numerator = 0;
    for (std::uint32_t k = 1; k < sentences.size(); ++k) {
      const Sentence& reference = sentences[k];
      kFindAll(classes_.table(), reinterpret_cast<const std::uint64_t*>(reference.tokens),
               static_cast<std::size_t>(reference.length), tokens(k));
      for (std::int64_t i = 0; i < reference.length; ++i) {
        numerator += tally_reference(tokens(k)[i], k);
      }
    }
    for (std::int64_t i = 0; i < candidate.length; ++i) {
      std::uint32_t& token = tokens(0)[i];
      token = tally(token).most == 0 ? none_ : token;
    }
    for (std::size_t k = 0; k < sentences.size(); ++k) start(sentences[k], k);
    return numerator;
  }

  // All bigrams whose two tokens are alive, with the first token as the n-gram so far.
  void start(const Sentence& sentence, std::size_t k) {
    const std::uint32_t* token = tokens(k);
    Alive* out = alive(k);
    for (const Segment& segment : sentence.segments) {
      for (std::int32_t i = segment.begin; i + 1 < segment.begin + segment.length; ++i) {
        *out = {static_cast<std::uint32_t>(i), token[i]};
        out += (token[i] != none_) & (token[i + 1] != none_);
      }
    }
    sizes_[k] = static_cast<std::size_t>(out - alive(k));
  }

  std::int64_t next_order(std::span<const Sentence> sentences, std::uint32_t n) {
    clear(static_cast<std::int64_t>(sizes_[0]));
    const std::uint32_t* token = tokens(0) + n - 1;
    for (std::size_t i = 0; i < sizes_[0]; ++i) {
      Alive& a = alive(0)[i];
      a.ngram = classes_.insert(key_of(a, token));
      ++tally(a.ngram).in_candidate;
    }
    std::int64_t numerator = 0;
    for (std::uint32_t k = 1; k < sentences.size(); ++k) numerator += match(sentences[k], k, n);
    carry_on(sentences[0], 0, n);
    return numerator;
  }

  std::int64_t match(const Sentence& reference, std::uint32_t k, std::uint32_t n) {
    const std::uint32_t* token = tokens(k) + n - 1;
    auto* keys = keys_.as<std::uint64_t>();
    auto* found = found_.as<std::uint32_t>();
    for (std::size_t i = 0; i < sizes_[k]; ++i) keys[i] = key_of(alive(k)[i], token);
    kFindAll(classes_.table(), keys, sizes_[k], found);
    std::int64_t numerator = 0;
    for (std::size_t i = 0; i < sizes_[k]; ++i) {
      alive(k)[i].ngram = found[i];
      numerator += tally_reference(found[i], k);
    }
    carry_on(reference, k, n);
    return numerator;
  }

  // Keeps the positions whose n-gram matched and whose next token is alive and in the segment. (An
  // n-gram of a reference that has a class matches; one of the candidate may not.)
  void carry_on(const Sentence& sentence, std::size_t k, std::uint32_t n) {
    const std::uint32_t* token = tokens(k) + n;  // rows have room for a token past the last
    Alive* out = alive(k);
    const Alive* in = out;
    const Alive* const end = in + sizes_[k];
    for (const Segment& segment : sentence.segments) {
      const auto last = static_cast<std::uint32_t>(segment.begin + segment.length);
      for (; in < end && in->position < last; ++in) {
        const Alive a = *in;
        *out = a;
        out += (a.position + n < last) & (token[a.position] != none_) & (tally(a.ngram).most > 0);
      }
    }
    sizes_[k] = static_cast<std::size_t>(out - alive(k));
  }

  std::uint32_t none_;  // the class of what matches nothing
  std::size_t stride_;
  Classes classes_;
  Buffer tokens_;  // class of every token
  Buffer alive_;
  Buffer keys_;  // of one reference, and the classes found for them
  Buffer found_;
  std::vector<std::size_t> sizes_;
  Buffer tallies_;
};

template <FindAll kFindAll>
Variant prefix_hash(Isa isa) {
  return {.op = "tensor_bleu",
          .name = "prefix_hash",
          .isa = isa,
          .dtypes = {Dtype::kI64},
          .summary = "(prefix class, token class) keys in a small table; only live positions",
          .make = make_per_sentence<PrefixHash<kFindAll>>};
}

#if HWY_TARGETS & HWY_AVX3
const Registration prefix_hash_avx512{prefix_hash<N_AVX3::find_all>(Isa::kAvx512)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration prefix_hash_avx2{prefix_hash<N_AVX2::find_all>(Isa::kAvx2)};
#endif
const Registration prefix_hash_scalar{prefix_hash<HWY_STATIC_DISPATCH(find_all)>(Isa::kScalar)};

}  // namespace
}  // namespace sb::tensor_bleu
#endif
