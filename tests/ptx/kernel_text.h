// Small PTX kernels for tests: one parameter, where the results go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ptx/launch.h"
#include "ptx/module.h"

namespace sb::ptx {

// Registers %x0 ... of any type (the interpreter's have none), 1 KiB of shared memory named
// `array`; the address of the thread's 8 bytes of results is in %out.
inline std::string kernel_text(const std::string& body) {
  return ".version 9.0\n.target sm_80\n.address_size 64\n"
         ".visible .entry k(.param .u64 p0)\n{\n"
         ".reg .b64 %x<40>;\n.reg .b64 %out;\n.reg .b32 %t;\n"
         ".shared .align 16 .b8 array[1024];\n"
         "ld.param.u64 %out, [p0];\n"
         "mov.u32 %t, %tid.x;\n"
         "mad.wide.u32 %out, %t, 8, %out;\n" +
         body + "\nret;\n}\n";
}

struct Outcome {
  simt::Report report;
  std::vector<Word> results;  // by thread; all bits set where nothing was stored
};

// Runs `body` in one block of `threads`.
inline Outcome run(const std::string& body, unsigned threads = 1) {
  const Module module(kernel_text(body));
  auto* results = static_cast<Word*>(simt::device_allocate(threads * sizeof(Word)));
  Outcome run;
  run.report =
      launch(module.kernel("k"), {.block = {threads}}, {}, {Argument{&results, sizeof results}});
  run.results.assign(results, results + threads);
  simt::device_free(results);
  return run;
}

}  // namespace sb::ptx
