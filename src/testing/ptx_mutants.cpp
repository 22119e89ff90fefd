#include "testing/ptx_mutants.h"

#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ptx/launch.h"
#include "ptx/program.h"
#include "testing/ptx_proof.h"

namespace sb::testing {
namespace {

struct Changed {
  std::string text, change;
};
using Change = std::optional<Changed> (*)(const ptx::Statement&);

bool is_control(const ptx::Statement& s) { return s.opcode[0] == "bra" || s.opcode[0] == "ret"; }

std::optional<Changed> left_out(const ptx::Statement& s) {
  if (is_control(s)) return std::nullopt;
  return Changed{"", "left out"};
}

std::optional<Changed> other_opcode(const ptx::Statement& s) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kPairs = {{
      {"add.", "sub."},
      {"sub.", "add."},
      {"max.", "min."},
      {"min.", "max."},
      {"and.", "or."},
      {"or.", "and."},
      {"shl.", "shr."},
      {"setp.lt", "setp.le"},
      {"setp.ge", "setp.gt"},
      {"setp.gt", "setp.ge"},
      {"setp.le", "setp.lt"},
      {"setp.eq", "setp.ne"},
      {"setp.ne", "setp.eq"},
      {"shfl.sync.bfly", "shfl.sync.down"},
      {"mul.f32", "add.f32"},
      {"mul.f64", "add.f64"},
      {"mul.wide.u32", "mul.wide.s32"},
      {"cvt.rn", "cvt.rz"},
  }};
  for (const auto& [from, to] : kPairs) {
    const auto at = s.text.find(from);
    if (at == std::string_view::npos || (at != 0 && s.text[0] != '@')) continue;
    std::string text(s.text);
    return Changed{text.replace(at, from.size(), to),
                   std::string(from) + " becomes " + std::string(to)};
  }
  return std::nullopt;
}

// The last decimal number that is an operand, one larger.
std::optional<Changed> other_constant(const ptx::Statement& s) {
  if (is_control(s) || s.opcode[0] == "bar") return std::nullopt;
  for (auto operand = s.operands.rbegin(); operand != s.operands.rend(); ++operand) {
    if (operand->find_first_not_of("0123456789") != std::string_view::npos) continue;
    std::string text(s.text);
    const auto at = static_cast<std::size_t>(operand->data() - s.text.data());
    const std::string more = std::to_string(std::stoll(std::string(*operand)) + 1);
    return Changed{text.replace(at, operand->size(), more), "constant becomes " + more};
  }
  return std::nullopt;
}

std::optional<Changed> other_guard(const ptx::Statement& s) {
  if (s.guard.empty()) return std::nullopt;
  std::string text(s.text);
  if (s.guard_negated) {
    text.erase(text.find('!'), 1);
  } else {
    text.insert(1, "!");
  }
  return Changed{text, "guard negated"};
}

std::optional<Changed> operands_swapped(const ptx::Statement& s) {
  constexpr std::array<std::string_view, 4> kOrdered = {"sub", "div", "setp", "selp"};
  if (std::find(kOrdered.begin(), kOrdered.end(), s.opcode[0]) == kOrdered.end())
    return std::nullopt;
  std::string text(s.text);
  const std::string_view a = s.operands[1], b = s.operands[2];
  if (a == b) return std::nullopt;
  const auto at = static_cast<std::size_t>(a.data() - s.text.data());
  const auto bytes = static_cast<std::size_t>(b.data() + b.size() - a.data());
  return Changed{text.replace(at, bytes, std::string(b) + ", " + std::string(a)),
                 "operands swapped"};
}

constexpr std::array<Change, 5> kChanges = {left_out, other_opcode, other_constant, other_guard,
                                            operands_swapped};

// The change of kind `turn`, or the next kind that this statement takes.
std::optional<Changed> changed(const ptx::Statement& s, std::size_t turn) {
  for (std::size_t k = 0; k < kChanges.size(); ++k) {
    if (auto change = kChanges[(turn + k) % kChanges.size()](s)) return change;
  }
  return std::nullopt;
}

using Bits = std::vector<unsigned char>;

const Variant& variant_of(const Case& c, const std::string& name) {
  for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
    if (v->isa == Isa::kCompute80 && v->name == name) return *v;
  }
  throw std::invalid_argument("no variant " + name + " as PTX");
}

// The answers to all cases; none if one of them is wrong.
std::optional<std::vector<Bits>> answers(const std::string& variant, std::vector<Case>& cases) {
  std::vector<Bits> all;
  for (Case& c : cases) {
    c.run(variant_of(c, variant), 1);
    if (!c.fault().empty()) return std::nullopt;
    all.push_back(c.output_bits());
  }
  return all;
}

std::optional<std::vector<Bits>> answers_of_mutant(const PtxMutant& mutant, std::string_view kernel,
                                                   const std::string& variant,
                                                   std::vector<Case>& cases) {
  try {
    const ptx::Module module(mutant.module);
    const ptx::Substitute substitute(module.kernel(kernel));
    return answers(variant, cases);
  } catch (const std::runtime_error&) {  // refused, or seen by the memory checker
    return std::nullopt;
  }
}

std::pair<const ptx::Module*, std::string_view> find_kernel(std::string_view part) {
  for (const ptx::Module* module : ptx::modules(80)) {
    for (const std::string_view name : module->names()) {
      if (name.find(part) != std::string_view::npos) return {module, name};
    }
  }
  throw std::invalid_argument("no kernel is named like " + std::string(part));
}

}  // namespace

std::vector<PtxMutant> ptx_mutants(const ptx::Module& module, std::string_view kernel,
                                   std::size_t most) {
  const ptx::Source source(module.text());
  const ptx::Entry entry = source.entry(kernel);
  const std::string& all = source.text();
  const std::size_t step = std::max<std::size_t>(1, entry.statements.size() / most);
  std::vector<PtxMutant> mutants;
  for (std::size_t i = 0; i < entry.statements.size() && mutants.size() < most; i += step) {
    const ptx::Statement& s = entry.statements[i];
    const auto change = changed(s, mutants.size());
    if (!change) continue;
    std::string text = all;
    text.replace(static_cast<std::size_t>(s.text.data() - all.data()), s.text.size(), change->text);
    const std::string_view file = source.file(s.file);
    mutants.push_back({std::string(file.substr(file.rfind('/') + 1)) + ":" +
                           std::to_string(s.line) + ": " + std::string(s.text),
                       change->change, std::move(text), i});
  }
  return mutants;
}

MutantScore score_of(std::string_view kernel, const std::string& variant, std::vector<Case>& cases,
                     std::size_t most, std::vector<Equivalent> equivalents) {
  const auto [module, name] = find_kernel(kernel);
  const MixedSchedule mixed;
  constexpr std::uint64_t kSteps = 20000;  // more than the kernel needs
  const std::uint64_t steps = std::exchange(ptx::step_limit(), kSteps);
  const ptx::Kernel& itself = module->kernel(name);
  const std::vector<std::uint64_t> before = itself.executed;
  const auto right = answers(variant, cases);
  if (!right) throw std::runtime_error("the kernel itself is wrong: " + std::string(name));
  std::vector<bool> reached(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) reached[i] = itself.executed[i] > before[i];
  MutantScore score;
  for (const PtxMutant& mutant : ptx_mutants(*module, name, most)) {
    ++score.tried;
    const auto got = answers_of_mutant(mutant, name, variant, cases);
    if (!got || *got != *right) {
      ++(got ? score.within_tolerance : score.caught);
      continue;
    }
    if (!reached[mutant.index]) {
      ++score.not_executed;
      continue;
    }
    const auto explains = [&](const Equivalent& e) {
      return e.most > 0 && mutant.statement.find(e.statement) != std::string::npos &&
             mutant.change.find(e.change) != std::string::npos;
    };
    const auto known = std::find_if(equivalents.begin(), equivalents.end(), explains);
    if (known == equivalents.end()) {
      score.unexplained.push_back(mutant.statement + " (" + mutant.change + ")");
    } else {
      --known->most;
      ++score.explained;
    }
  }
  ptx::step_limit() = steps;
  return score;
}

}  // namespace sb::testing
#endif
