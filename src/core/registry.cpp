#include "core/registry.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace sb {
namespace {

auto key(const Variant& v) { return std::tie(v.op, v.name, v.isa, v.device); }

}  // namespace

std::string Variant::full_name() const { return op + "/" + name + "@" + std::string(name_of(isa)); }

Registry& Registry::instance() {
  static Registry registry;
  return registry;
}

void Registry::add(std::unique_ptr<Operation> operation) {
  if (find_operation(operation->name()) != nullptr) {
    throw std::logic_error("operation registered twice: " + std::string(operation->name()));
  }
  operations_.push_back(std::move(operation));
}

void Registry::add(Variant variant) {
  for (const auto& other : variants_) {
    if (key(*other) == key(variant)) {
      throw std::logic_error("variant registered twice: " + variant.full_name() + " in " +
                             other->source + " and " + variant.source);
    }
  }
  variants_.push_back(std::make_unique<Variant>(std::move(variant)));
}

std::vector<const Operation*> Registry::operations() const {
  std::vector<const Operation*> all;
  for (const auto& operation : operations_) all.push_back(operation.get());
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->name() < b->name(); });
  return all;
}

std::vector<const Variant*> Registry::variants() const {
  std::vector<const Variant*> all;
  for (const auto& variant : variants_) all.push_back(variant.get());
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return key(*a) < key(*b); });
  return all;
}

std::vector<const Variant*> Registry::variants_of(std::string_view op) const {
  std::vector<const Variant*> all = variants();
  std::erase_if(all, [op](const Variant* v) { return v->op != op; });
  return all;
}

const Operation* Registry::find_operation(std::string_view name) const {
  for (const auto& operation : operations_) {
    if (operation->name() == name) return operation.get();
  }
  return nullptr;
}

std::string why_not(const Variant& variant, const Problem& problem) {
  if (std::string why = why_isa_unavailable(variant.isa); !why.empty()) return why;
  if (std::find(variant.dtypes.begin(), variant.dtypes.end(), problem.dtype) ==
      variant.dtypes.end()) {
    return variant.name + " has no " + std::string(name_of(problem.dtype)) + " form";
  }
  return variant.why_not ? variant.why_not(problem) : "";
}

bool glob_match(std::string_view glob, std::string_view text) {
  // Greedy match with one point to return to: the last '*' and where it stood in the text.
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && (glob[g] == '?' || (glob[g] != '*' && glob[g] == text[t]))) {
      ++g;
      ++t;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

bool selects(std::string_view glob, const Variant& variant) {
  const std::size_t colon = variant.name.find(':');
  if (colon != std::string::npos && !glob.starts_with(variant.name.substr(0, colon + 1))) {
    return false;
  }
  return glob_match(glob, variant.name) ||
         glob_match(glob, variant.name + "@" + std::string(name_of(variant.isa)));
}

Registration::Registration(Variant variant, const char* source) {
  variant.source = source;
  Registry::instance().add(std::move(variant));
}

Registration::Registration(std::unique_ptr<Operation> operation) {
  Registry::instance().add(std::move(operation));
}

}  // namespace sb
