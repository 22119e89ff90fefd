#include "measure/dump.h"

#include <filesystem>

#include "measure/npy.h"

namespace sb {
namespace {

std::string folder_name(const std::string& case_name) {
  std::string name;
  for (const char c : case_name) name += c == '/' ? "__" : std::string(1, c);
  return name;
}

void dump_reference(const std::string& stem, const TensorSpec& spec, const Expected& expected) {
  if (expected.index.empty()) return write_npy(stem + ".reference.npy", spec.dims, expected.value);
  const auto count = static_cast<std::int64_t>(expected.index.size());
  write_npy(stem + ".reference.npy", {count}, expected.value);
  write_npy(stem + ".reference_index.npy", {count},
            std::vector<double>(expected.index.begin(), expected.index.end()));
}

}  // namespace

void dump_case(const std::string& dir, const std::string& case_name, const OperandSet& set,
               const std::vector<Expected>& expected) {
  const std::filesystem::path folder = std::filesystem::path(dir) / folder_name(case_name);
  std::filesystem::create_directories(folder);
  std::size_t output = 0;
  for (std::size_t i = 0; i < set.specs().size(); ++i) {
    const TensorSpec& spec = set.specs()[i];
    const std::string stem = (folder / spec.name).string();
    write_npy(stem + ".npy", spec, set.operands().get<void>(static_cast<int>(i)));
    if (spec.role == Role::kOutput) dump_reference(stem, spec, expected[output++]);
  }
}

}  // namespace sb
