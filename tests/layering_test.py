#!/usr/bin/env python3
"""Includes follow the table "who may know whom" of the house plan; third-party headers stay in their room."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

MAY_INCLUDE = {
    "core": set(),
    "simt": {"core"},
    "ptx": {"core", "simt"},
    "backend": {"core", "simt", "ptx"},
    "machine": {"core"},
    "workload": {"core"},
    "measure": {"core", "machine"},
    "peer": {"core", "machine", "measure"},
    "report": {"core"},
    "cli": {"core", "machine", "workload", "measure", "peer", "report", "ptx"},
    "testing": {"core", "machine", "measure", "ptx", "simt"},
}
# A header that only one room may see (Google Test: tests and the testing room).
ONLY_IN = {
    "yaml-cpp/": "workload",
    "CLI/": "cli",
    "benchmark/benchmark.h": "measure",
    "hwloc.h": "machine",
    "gtest/": "testing",
}
SOURCES = {".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else f"suites/{parts[1]}"


def target_of(header):
    """The room or family a quoted include names, or None for a local file."""
    parts = header.split("/")
    if parts[0] == "suites" and len(parts) > 2:
        return f"suites/{parts[1]}"
    return parts[0] if parts[0] in MAY_INCLUDE and len(parts) > 1 else None


def allowed(room, target):
    if target == room:
        return True
    if room.startswith("suites/"):
        return target in {"core", "backend"}
    return target in MAY_INCLUDE[room]


def faults_of(path):
    room = room_of(path)
    is_test = path.name.endswith(("_test.cpp", "_test.h"))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(2)
        target = target_of(header)
        where = f"{path.relative_to(ROOT)}:{number}"
        if target and not allowed(room, target) and not (is_test and target in {"testing", "simt", "ptx"}):
            yield f"{where}: {room} may not include {header}"
        for prefix, owner in ONLY_IN.items():
            if header.startswith(prefix) and room != owner and not is_test:
                yield f"{where}: {header} belongs to {owner}"


def main():
    files = [p for top in ("src", "suites") if (ROOT / top).exists()
             for p in sorted((ROOT / top).rglob("*")) if p.suffix in SOURCES]
    faults = [fault for path in files for fault in faults_of(path)]
    print("\n".join(faults) or f"{len(files)} files keep to the table")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
