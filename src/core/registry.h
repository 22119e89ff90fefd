// All operations and variants of this program. Filled by static objects before main, read after.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/variant.h"

namespace sb {

class Registry {
 public:
  static Registry& instance();

  // Both throw std::logic_error on a duplicate: two files claim one name.
  void add(std::unique_ptr<Operation> operation);
  void add(Variant variant);

  // Sorted by name (variants: op, name, isa), so that link order never shows.
  std::vector<const Operation*> operations() const;
  std::vector<const Variant*> variants() const;
  std::vector<const Variant*> variants_of(std::string_view op) const;
  const Operation* find_operation(std::string_view name) const;  // null if unknown

 private:
  std::vector<std::unique_ptr<Operation>> operations_;
  std::vector<std::unique_ptr<Variant>> variants_;
};

// Why `variant` can't do `problem` here; empty if it can: ISA, dtype, its own conditions, in turn.
std::string why_not(const Variant& variant, const Problem& problem);

// Does `glob` (with * and ?) match the variant's name, or its name@isa? The kernels of an external
// peer are asked for by its name: "torch:*" selects "torch:flash", "*" does not.
bool glob_match(std::string_view glob, std::string_view text);
bool selects(std::string_view glob, const Variant& variant);

// The last sentence of a variant's file:  const Registration two_pass{Variant{...}};
struct Registration {
  explicit Registration(Variant variant, const char* source = __builtin_FILE());
  explicit Registration(std::unique_ptr<Operation> operation);
};

}  // namespace sb
