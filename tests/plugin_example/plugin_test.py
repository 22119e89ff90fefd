#!/usr/bin/env python3
"""A plugin as its author meets it: installs softmax-bench, builds the example against the install tree, runs it, and
tries what must be refused. Arguments: build folder, source folder."""
import csv
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE = sys.argv[1:3]
WORKLOAD = "name: w\nop: softmax\nsweep: {rows: [3], cols: [100]}\nvariants: [mine]\nrounds: 6\nmin_time: 0.0001\n"
checks = 0


def check(what, condition, seen=""):
    global checks
    checks += 1
    print(f"{'ok  ' if condition else 'FAIL'}  {what}", flush=True)
    if not condition:
        sys.exit(f"{what}: {seen}")


def command(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def build_plugin(prefix, folder, source=SOURCE):
    for words in (["cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}"], ["cmake", "--build", folder]):
        done = command(*words)
        check(" ".join(map(str, words[:2])), done.returncode == 0, done.stdout + done.stderr)
    return folder / "libmine.so"


def source_with(work, name, code):
    """The example's project with other code in it."""
    folder = work / name
    shutil.copytree(SOURCE, folder)
    (folder / "mine.cpp").write_text(code)
    return folder


THROWS = """#include "core/registry.h"
struct Careless { Careless() { throw 42; } } careless;
"""
EMPTY = """#include "core/registry.h"
int nothing() { return static_cast<int>(sb::Registry::instance().variants().size()); }
"""


def main(work):
    prefix = work / "prefix"
    done = command("cmake", "--install", BUILD, "--prefix", prefix)
    check("softmax-bench installs", done.returncode == 0, done.stderr)
    program = prefix / "bin" / "softmax-bench"
    (work / "w.yaml").write_text(WORKLOAD)

    def run(plugin, *more):
        return command(program, "run", "w.yaml", "--plugin", plugin, "--peaks", "none", "--csv", "-", *more, cwd=work)

    plugin = build_plugin(prefix, work / "build")
    done = run(plugin)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    check("a variant of a plugin is verified and timed",
          done.returncode == 0 and [row["verify"] for row in rows] == ["pass"] and rows[0]["time_median_ns"],
          done.stdout + done.stderr)
    check("the row's command names the plugin", f"--plugin {plugin}" in rows[0]["repro"], rows)
    done = run(plugin, "--isolate", "case")
    check("a worker process loads it too", done.returncode == 0, done.stderr)
    done = command(program, "run", "w.yaml", cwd=work)
    check("without it the variant is unknown", done.returncode == 2 and "mine" in done.stderr, done.stderr)

    done = run(plugin, "--plugin", plugin)
    check("a plugin that is named twice is loaded once", done.returncode == 0, done.stderr)
    done = command(program, "list", "variants", "--plugin", plugin)
    check("a listing shows it", done.returncode == 0 and "softmax/mine@scalar" in done.stdout, done.stderr)

    done = run(build_plugin(prefix, work / "throws", source_with(work, "throws_source", THROWS)))
    check("a plugin that throws while it is loaded is an error",
          done.returncode == 2 and "failed while it was loaded" in done.stderr, f"{done.returncode} {done.stderr}")
    done = run(build_plugin(prefix, work / "empty", source_with(work, "empty_source", EMPTY)))
    check("a plugin without variants is an error",
          done.returncode == 2 and "registers neither a variant nor an operation" in done.stderr, done.stderr)

    abi = prefix / "include" / "softmax-bench" / "abi.h"
    abi.write_text(re.sub(r"(softmax_bench_abi_|\")[0-9a-f]{12}", r"\g<1>0123456789ab", abi.read_text()))
    done = run(build_plugin(prefix, work / "foreign"))
    check("a plugin of other headers is refused", done.returncode == 2 and
          "built against the headers of another softmax-bench (ABI 0123456789ab" in done.stderr, done.stderr)
    done = run("no_such.so")
    check("a missing file is an error", done.returncode == 2 and "there is no such file" in done.stderr, done.stderr)
    done = run("w.yaml")
    check("a file that is no shared object is an error", done.returncode == 2 and "is no plugin" in done.stderr, done.stderr)
    done = run(work)
    check("a folder is an error", done.returncode == 2 and "is not a file" in done.stderr, done.stderr)
    shutil.copy(plugin, work / "twin.so")
    done = run(plugin, "--plugin", work / "twin.so")
    check("a name that is taken is an error", done.returncode == 2 and "registered twice" in done.stderr,
          f"{done.returncode} {done.stderr}")
    print(f"{checks} passed, 0 failed")


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
