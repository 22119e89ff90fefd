#include "measure/npy.h"

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace sb {
namespace {

std::string header(const std::string& descr, const std::vector<std::int64_t>& dims) {
  std::string shape;
  for (const std::int64_t extent : dims) shape += std::to_string(extent) + ",";
  std::string text =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Magic, version and length take 10 bytes; data starts at a multiple of 64 behind a newline.
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  const auto length = static_cast<std::uint16_t>(text.size());
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(length & 0xff);
  out += static_cast<char>(length >> 8);
  return out + text;
}

void write(const std::string& path, const std::string& head, const char* data, std::size_t bytes) {
  std::ofstream file(path, std::ios::binary);
  file << head;
  file.write(data, static_cast<std::streamsize>(bytes));
  file.flush();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

void write_npy(const std::string& path, const TensorSpec& spec, const void* data) {
  const bool as_f32 = spec.dtype == Dtype::kBf16;
  const char* descr = "<f4";
  if (spec.dtype == Dtype::kF16) descr = "<f2";
  if (spec.dtype == Dtype::kF64) descr = "<f8";
  if (spec.dtype == Dtype::kI32) descr = "<i4";
  if (spec.dtype == Dtype::kI64) descr = "<i8";
  const std::size_t size = as_f32 ? 4 : size_of(spec.dtype);
  std::vector<char> packed(static_cast<std::size_t>(spec.count()) * size);
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    char* to = packed.data() + static_cast<std::size_t>(i) * size;
    if (as_f32) {
      const auto value = static_cast<float>(load_as_double(spec.dtype, data, spec.offset(i)));
      std::memcpy(to, &value, size);
    } else {
      const auto at = static_cast<std::size_t>(spec.offset(i)) * size;
      std::memcpy(to, static_cast<const char*>(data) + at, size);
    }
  }
  write(path, header(descr, spec.dims), packed.data(), packed.size());
}

void write_npy(const std::string& path, const std::vector<std::int64_t>& dims,
               const std::vector<double>& values) {
  write(path, header("<f8", dims), reinterpret_cast<const char*>(values.data()),
        values.size() * sizeof(double));
}

}  // namespace sb
