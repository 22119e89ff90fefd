// The text of a PTX module, cut into kernels and statements (PTX ISA 9.0, "syntax"). Nothing is
// understood here yet: that is assemble.h.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sb::ptx {

// What the interpreter does not know, or cannot be: names the line of PTX.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Statement {
  std::string_view guard;                  // "%p1"; empty: always
  bool guard_negated = false;              // @!%p1
  std::vector<std::string_view> opcode;    // "ld", "global", "v4", "f32"
  std::vector<std::string_view> operands;  // "[%rd4+16]", "{%f1, %f2}"
  std::string_view text;                   // all of it
  int file = 0, line = 0;                  // of the CUDA source, by .loc; 0: unknown
};

struct Declaration {  // a parameter, or an array in shared memory
  std::string_view name;
  std::size_t bytes = 0, align = 1;  // bytes is 0 for the array whose size the launch gives
};

struct Entry {
  std::string_view name;
  std::vector<Declaration> parameters, shared;
  std::vector<std::string_view> registers;  // "%r<158>", "%SP"
  std::vector<Statement> statements;
  std::map<std::string_view, std::size_t> labels;  // -> index of the statement that follows
};

class Source {
 public:
  // Views point into `text`, which is kept. Throws Refused.
  explicit Source(std::string text);
  Source(const Source&) = delete;

  const std::string& text() const { return text_; }
  std::vector<std::string_view> names() const;  // of the kernels
  bool has(std::string_view kernel) const { return bodies_.contains(kernel); }
  Entry entry(std::string_view kernel) const;  // throws std::out_of_range for an unknown name

  std::string_view file(int number) const;  // path from .file; empty if unknown

 private:
  void read_module();
  std::string text_;
  std::map<std::string_view, std::string_view> bodies_;  // name -> from its "(" to its last "}"
  std::vector<Declaration> shared_;                      // declared outside of kernels
  std::map<int, std::string_view> files_;
};

}  // namespace sb::ptx
