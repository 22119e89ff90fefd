#include "ptx/fat_binary.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#if defined(SB_HAVE_ZSTD)
#include <zstd.h>
#endif

namespace sb::ptx {
namespace {

constexpr std::uint32_t kMagic = 0xba55ed50;
constexpr std::uint32_t kCompressed = 0x8000;        // zstd: nvcc --compress-mode=size
constexpr std::uint32_t kOtherCompression = 0x2000;  // LZ4

struct Header {
  std::uint32_t magic;
  std::uint16_t version, bytes;
  std::uint64_t bytes_of_parts;
};

struct PartHeader {
  std::uint16_t kind, version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;  // padded
  std::uint32_t compressed_bytes, unknown[2];
  std::uint32_t arch;
  std::uint32_t more_unknown[2];
  std::uint32_t flags, still_unknown[3];
  std::uint64_t decompressed_bytes;
};

std::string decompressed([[maybe_unused]] const char* from,
                         [[maybe_unused]] const PartHeader& part) {
#if defined(SB_HAVE_ZSTD)
  std::string bytes(part.decompressed_bytes, '\0');
  const std::size_t got = ZSTD_decompress(bytes.data(), bytes.size(), from, part.compressed_bytes);
  if (ZSTD_isError(got) == 0 && got == bytes.size()) return bytes;
  throw std::runtime_error("a part of the fat binary is no zstd frame");
#else
  throw std::runtime_error("this program was built without zstd");
#endif
}

}  // namespace

std::vector<FatPart> parts_of_fat_binary(const void* image) {
  const auto* at = static_cast<const char*>(image);
  Header header;
  std::memcpy(&header, at, sizeof header);
  if (header.magic != kMagic || header.version != 1) {
    throw std::runtime_error("the fat binary of this nvcc has an unknown format");
  }
  std::vector<FatPart> parts;
  at += header.bytes;
  for (const char* end = at + header.bytes_of_parts; at < end;) {
    PartHeader part;
    std::memcpy(&part, at, sizeof part);
    if ((part.flags & kOtherCompression) != 0) {
      throw std::runtime_error("the fat binary is compressed with LZ4, not zstd");
    }
    const char* body = at + part.header_bytes;
    parts.push_back({static_cast<FatPart::Kind>(part.kind), static_cast<int>(part.arch),
                     (part.flags & kCompressed) != 0 ? decompressed(body, part)
                                                     : std::string(body, part.bytes)});
    at = body + part.bytes;
  }
  return parts;
}

}  // namespace sb::ptx
