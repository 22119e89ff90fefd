// ld, st, cvta, atom, red, fences, ldmatrix, cp.async. PTX ISA, "data movement", "parallel
// synchronization", "asynchronous copy".
#include "ptx/counts.h"
#include "ptx/handlers.h"
#include "simt/device_runtime.h"
#include "simt/observer.h"

namespace sb::ptx {
namespace {

std::byte* address_of(const Frame& frame, Space space, Word base, std::int64_t offset) {
  const Word at = base + static_cast<Word>(offset);
  if (space == Space::kShared) return frame.shared + static_cast<std::uint32_t>(at);
  return reinterpret_cast<std::byte*>(at);
}

bool is_shared(const Frame& frame, const std::byte* address) {
  return address >= frame.shared && address < frame.shared + simt::kSharedWindow;
}

// What ends a thread does not return: no object that owns memory may live in its callers.
[[noreturn]] void fault(const Instruction& i, const char* what) {
  simt::report_error(std::string(what) + " at " + i.site);
  simt::end_thread();
}

// Every access is looked at before it is made; one that no memory takes ends the thread.
void look(const Frame& frame, const Instruction& i, std::byte* address, unsigned bytes,
          bool write) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0) fault(i, "misaligned address");
  const auto place = reinterpret_cast<std::uintptr_t>(i.site);
  simt::observer->access(address, bytes, write, place);
  if (frame.recorder != nullptr) {
    frame.recorder->access(frame, i, is_shared(frame, address), write, address, bytes);
  }
}

// Signed elements are extended to the register, whatever its width.
template <typename T>
void load(Frame& frame, const Instruction& i) {
  std::byte* from = address_of(frame, i.space, frame.words[i.slots[i.elements]], i.offset);
  look(frame, i, from, sizeof(T) * i.elements, false);
  for (unsigned k = 0; k < i.elements; ++k) {
    T value;
    std::memcpy(&value, from + k * sizeof(T), sizeof(T));
    if constexpr (std::is_signed_v<T>) {
      put<std::int64_t>(frame, i.slots[k], value);
    } else {
      put<T>(frame, i.slots[k], value);
    }
  }
}
template <typename T>
void load_parameter(Frame& frame, const Instruction& i) {
  const Word at = frame.words[i.slots[i.elements]] + static_cast<Word>(i.offset);
  if (at + sizeof(T) * i.elements > frame.bytes_of_parameters)
    fault(i, "a parameter that is not there");
  for (unsigned k = 0; k < i.elements; ++k) {
    T value;
    std::memcpy(&value, frame.parameters + at + k * sizeof(T), sizeof(T));
    if constexpr (std::is_signed_v<T>) {
      put<std::int64_t>(frame, i.slots[k], value);
    } else {
      put<T>(frame, i.slots[k], value);
    }
  }
}
template <typename T>
void store(Frame& frame, const Instruction& i) {
  std::byte* to = address_of(frame, i.space, frame.words[i.slots[0]], i.offset);
  look(frame, i, to, sizeof(T) * i.elements, true);
  for (unsigned k = 0; k < i.elements; ++k) {
    const T value = get<T>(frame, i.slots[1 + k]);
    std::memcpy(to + k * sizeof(T), &value, sizeof(T));
  }
}

Space take_space(Modifiers& m) {
  if (m.take("shared") || m.take("shared::cta")) return Space::kShared;
  if (m.take("global")) return Space::kGlobal;
  return m.take("param") ? Space::kParameters : Space::kGeneric;
}

// Hints that change no result, and the vector's length, which the operands say as well.
void take_hints(Modifiers& m) {
  for (const char* hint : {"nc", "ca", "cg", "cs", "wb", "wt", "v2", "v4", "L1::no_allocate"})
    m.take(hint);
}

template <template <typename> typename Handler>
Execute for_memory_type(Type type) {
  switch (type) {
    case Type::kU8:
      return &Handler<std::uint8_t>::execute;
    case Type::kS8:
      return &Handler<std::int8_t>::execute;
    case Type::kU16:
      return &Handler<std::uint16_t>::execute;
    case Type::kS16:
      return &Handler<std::int16_t>::execute;
    case Type::kU32:
    case Type::kF32:
      return &Handler<std::uint32_t>::execute;
    case Type::kS32:
      return &Handler<std::int32_t>::execute;
    case Type::kU64:
    case Type::kS64:
    case Type::kF64:
      return &Handler<std::uint64_t>::execute;
    default:
      return nullptr;
  }
}
template <typename T>
struct Load {
  static void execute(Frame& frame, const Instruction& i) { load<T>(frame, i); }
};
template <typename T>
struct LoadParameter {
  static void execute(Frame& frame, const Instruction& i) { load_parameter<T>(frame, i); }
};
template <typename T>
struct Store {
  static void execute(Frame& frame, const Instruction& i) { store<T>(frame, i); }
};

// Flags between blocks: ld.acquire.gpu.global.u32, st.release.gpu.global.u32.
unsigned* flag_of(const Frame& frame, const Instruction& i, Word base) {
  std::byte* at = address_of(frame, i.space, base, i.offset);
  if (reinterpret_cast<std::uintptr_t>(at) % sizeof(unsigned) != 0) fault(i, "misaligned address");
  simt::observer->atomic(at, sizeof(unsigned));  // ends the thread if no memory is there
  return reinterpret_cast<unsigned*>(at);
}
void load_acquire(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], simt::load_acquire(flag_of(frame, i, frame.words[i.slots[1]]), i.site));
}
void store_release(Frame& frame, const Instruction& i) {
  simt::store_release(flag_of(frame, i, frame.words[i.slots[0]]), get<unsigned>(frame, i.slots[1]));
}
bool is_flag(Modifiers& m, const Instruction& i) {
  return m.take("gpu") && i.space == Space::kGlobal && m.take_type() == Type::kU32;
}

bool bind_ld(Modifiers& m, Instruction& i) {
  i.space = take_space(m);
  if (m.take("acquire")) {
    i.execute = is_flag(m, i) ? &load_acquire : nullptr;
    return true;
  }
  take_hints(m);
  const Type type = m.take_type();
  i.execute = i.space == Space::kParameters ? for_memory_type<LoadParameter>(type)
                                            : for_memory_type<Load>(type);
  return true;
}
bool bind_st(Modifiers& m, Instruction& i) {
  i.space = take_space(m);
  if (m.take("release")) {
    i.execute = is_flag(m, i) ? &store_release : nullptr;
    return true;
  }
  take_hints(m);
  if (i.space != Space::kParameters) i.execute = for_memory_type<Store>(m.take_type());
  return true;
}

// Addresses of shared memory are offsets into the block's window; all others are as in the host.
void to_generic(Frame& frame, const Instruction& i) {
  put(frame, i.slots[0], frame.shared + get<std::uint32_t>(frame, i.slots[1]));
}
void from_generic(Frame& frame, const Instruction& i) {
  put<Word>(frame, i.slots[0], get<Word>(frame, i.slots[1]) - reinterpret_cast<Word>(frame.shared));
}
void same_address(Frame& frame, const Instruction& i) {
  frame.words[i.slots[0]] = frame.words[i.slots[1]];
}
bool bind_cvta(Modifiers& m, Instruction& i) {
  const bool to = m.take("to");
  const Space space = take_space(m);
  if (m.take_type() != Type::kU64) return false;
  if (space == Space::kShared) i.execute = to ? &from_generic : &to_generic;
  if (space == Space::kGlobal) i.execute = &same_address;
  return true;
}

enum AtomicOperation { kAdd, kMin, kMax, kExch, kCas, kAnd, kOr, kXor, kInc };
constexpr std::string_view kAtomics[] = {"add", "min", "max", "exch", "cas",
                                         "and", "or",  "xor", "inc"};
enum AtomicDetail { kReturnsOld = 16, kAcquires = 32, kReleases = 64 };

template <typename T>
T changed(int operation, T old, T value, T further) {
  switch (operation) {
    case kAdd:
      if constexpr (std::is_integral_v<T>)
        return static_cast<T>(Unsigned<T>(old) + Unsigned<T>(value));
      return old + value;
    case kMin:
      return value < old ? value : old;
    case kMax:
      return value > old ? value : old;
    case kExch:
      return value;
    case kCas:
      return old == value ? further : old;
    default:
      break;
  }
  if constexpr (std::is_integral_v<T>) {
    if (operation == kAnd) return old & value;
    if (operation == kOr) return old | value;
    if (operation == kXor) return old ^ value;
    return old >= value ? T{0} : static_cast<T>(old + 1);  // inc
  } else {
    return old;
  }
}

// atom d, [a], b [, c]; red has no d.
template <typename T>
void atomic(Frame& frame, const Instruction& i) {
  const unsigned first = (i.detail & kReturnsOld) != 0 ? 1 : 0;
  std::byte* at = address_of(frame, i.space, frame.words[i.slots[first]], i.offset);
  if (reinterpret_cast<std::uintptr_t>(at) % sizeof(T) != 0) fault(i, "misaligned address");
  if ((i.detail & kReleases) != 0) simt::thread_fence();
  simt::before_atomic(at, sizeof(T));
  if (frame.recorder != nullptr) {
    frame.recorder->access(frame, i, is_shared(frame, at), true, at, sizeof(T));
  }
  T old;
  std::memcpy(&old, at, sizeof(T));
  const T next = changed(i.detail % kReturnsOld, old, get<T>(frame, i.slots[first + 1]),
                         get<T>(frame, i.slots[first + 2]));
  std::memcpy(at, &next, sizeof(T));
  if ((i.detail & kAcquires) != 0) simt::thread_fence();
  if (first == 1) put<T>(frame, i.slots[0], old);
}

template <typename... Ts>
Execute atomic_of(Type type) {
  Execute found = nullptr;
  (void)((type == type_of<Ts>() && (found = &atomic<Ts>, true)) || ...);
  return found;
}

bool bind_atomic(Modifiers& m, Instruction& i, int detail) {
  i.space = take_space(m);
  const bool both = m.take("acq_rel");
  if (both || m.take("acquire")) detail |= kAcquires;
  if (both || m.take("release")) detail |= kReleases;
  for (const char* word : {"relaxed", "gpu", "cta", "sys"}) m.take(word);
  const auto operation = m.take_one_of(kAtomics);
  const Type type = m.take_type();
  const bool is_float = type == Type::kF32 || type == Type::kF64;
  if (!operation || (is_float && *operation != kAdd)) return false;
  i.detail = *operation | detail;
  i.execute =
      atomic_of<std::uint32_t, std::int32_t, std::uint64_t, std::int64_t, float, double>(type);
  return true;
}
bool bind_atom(Modifiers& m, Instruction& i) { return bind_atomic(m, i, kReturnsOld); }
bool bind_red(Modifiers& m, Instruction& i) { return bind_atomic(m, i, 0); }

void fence(Frame&, const Instruction&) { simt::thread_fence(); }
bool bind_fence(Modifiers& m, Instruction& i) {
  for (const char* word : {"gl", "cta", "sys", "gpu", "acq_rel", "sc"}) m.take(word);
  i.execute = &fence;
  return true;
}

// ldmatrix.sync.aligned.m8n8.x4[.trans].shared.b16; `detail` is 1 for .trans.
void load_matrices(Frame& frame, const Instruction& i) {
  std::byte* row = address_of(frame, Space::kShared, frame.words[i.slots[4]], i.offset);
  if (frame.recorder != nullptr) frame.recorder->access(frame, i, true, false, row, 16);
  std::uint32_t to[4];
  simt::load_matrices(row, i.detail == 1, to, i.site);
  for (unsigned k = 0; k < 4; ++k) put(frame, i.slots[k], to[k]);
}
bool bind_ldmatrix(Modifiers& m, Instruction& i) {
  i.detail = m.take("trans") ? 1 : 0;
  if (!m.take("shared")) m.take("shared::cta");
  if (m.take("sync") && m.take("aligned") && m.take("m8n8") && m.take("x4") &&
      m.take_type() == Type::kU16) {
    i.execute = &load_matrices;
  }
  return true;
}

// cp.async.cg.shared.global [to], [from], 16 [, bytes]: zeros for what `bytes` leaves; 0 or 16
// here.
void copy(Frame& frame, const Instruction& i) {
  std::byte* to = address_of(frame, Space::kShared, frame.words[i.slots[0]], 0);
  auto* from = reinterpret_cast<std::byte*>(frame.words[i.slots[1]]);
  const auto size = get<std::uint32_t>(frame, i.slots[2]);
  const auto bytes = i.slots[3] == kTrue ? size : get<std::uint32_t>(frame, i.slots[3]);
  if (size != 16 || (bytes != 0 && bytes != 16)) fault(i, "cp.async of neither 0 nor 16 bytes");
  if (frame.recorder != nullptr) {
    frame.recorder->access(frame, i, true, true, to, 16);
    if (bytes != 0) frame.recorder->access(frame, i, false, false, from, 16);
  }
  simt::copy_async(to, bytes == 0 ? nullptr : from);
}
void commit(Frame&, const Instruction&) { simt::commit_copies(); }
void wait_for_copies(Frame& frame, const Instruction& i) {
  simt::wait_for_copies(static_cast<int>(get<std::uint32_t>(frame, i.slots[0])));
}
bool bind_cp(Modifiers& m, Instruction& i) {
  if (!m.take("async")) return false;
  if (m.take("commit_group")) {
    i.execute = &commit;
  } else if (m.take("wait_group")) {
    i.execute = &wait_for_copies;
  } else if (m.take("cg") && take_space(m) == Space::kShared && take_space(m) == Space::kGlobal) {
    // Offsets of both operands would be added up in the instruction.
    if (i.offset == 0) i.execute = &copy;
  }
  return true;
}

}  // namespace

std::span<const Opcode> memory_opcodes() {
  static constexpr Opcode kTable[] = {
      {"ld", bind_ld, 2, 5},       {"st", bind_st, 2, 5},   {"cvta", bind_cvta, 2, 2},
      {"atom", bind_atom, 3, 4},   {"red", bind_red, 2, 2}, {"membar", bind_fence, 0, 0},
      {"fence", bind_fence, 0, 0}, {"cp", bind_cp, 0, 4},   {"ldmatrix", bind_ldmatrix, 5, 5},
  };
  return kTable;
}

}  // namespace sb::ptx
