#!/usr/bin/env python3
"""Every CUDA kernel has a form with a planted bug, and the family's planted_bugs_test sees each bug fail."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# template <..., Bug kBug = Bug::kNone> __global__ void [__launch_bounds__(n)] name(
KERNEL = re.compile(r"(template\s*<(?P<parameters>[^{};]*?)>\s*)?__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?"
                    r"(?P<name>\w+)\(", re.S)
BUGS = re.compile(r"enum class (?P<type>\w*Bug)\s*\{(?P<values>[^}]*)\}", re.S)
COMMENT = re.compile(r"//[^\n]*")


def faults_of(family):
    sources = {path: COMMENT.sub("", path.read_text()) for path in sorted(family.glob("*.cu*"))}
    test = family / "planted_bugs_test.cpp"
    tested = COMMENT.sub("", test.read_text()) if test.exists() else ""
    for path, text in sources.items():
        where = path.relative_to(ROOT)
        for kernel in KERNEL.finditer(text):
            if not re.search(r"\w*Bug\s+kBug", kernel["parameters"] or ""):
                yield f"{where}: {kernel['name']} has no template parameter for a planted bug"
        for bugs in BUGS.finditer(text):
            for value in re.findall(r"\bk\w+", bugs["values"]):
                if value != "kNone" and f"{bugs['type']}::{value}" not in tested:
                    yield f"{where}: {bugs['type']}::{value} is not in {test.relative_to(ROOT)}"


def main():
    families = sorted({path.parent for path in (ROOT / "suites").glob("*/*.cu")})
    faults = [fault for family in families for fault in faults_of(family)]
    print("\n".join(faults) or f"every kernel of {len(families)} families has a planted bug that is tested")
    return 1 if faults or not families else 0


if __name__ == "__main__":
    sys.exit(main())
