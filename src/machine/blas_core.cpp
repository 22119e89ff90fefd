#include "machine/blas_core.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace sb {
namespace {

constexpr const char* kVariable = "OPENBLAS_CORETYPE";

bool has_avx2() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool has_avx512() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace

std::string better_blas_core(const std::string& chosen, bool has_avx2, bool has_avx512) {
  if (chosen != "Prescott" || !has_avx2) return "";
  return has_avx512 ? "SkylakeX" : "Haswell";
}

void restart_with_blas_core(char** argv) {
  // Looked up, not linked: which family brings OpenBLAS, if any, is not this room's business.
  void* symbol = dlsym(RTLD_DEFAULT, "openblas_get_corename");
  if (symbol == nullptr || std::getenv(kVariable) != nullptr) return;
  const auto corename = reinterpret_cast<char* (*)()>(symbol);
  const std::string better = better_blas_core(corename(), has_avx2(), has_avx512());
  if (better.empty()) return;
  setenv(kVariable, better.c_str(), 0);
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) execv(program.c_str(), argv);  // where it fails, the program goes on as it is
}

}  // namespace sb
