#!/usr/bin/env python3
"""The README's worked examples: the program with its variant linked in runs its workload; its tables name every
status and exit code.  readme_test.py PROGRAM_WITH_THE_EXAMPLE"""
import csv
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PROGRAM = sys.argv.pop()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL).group(1)


def run_on(text, command, *options):
    """The command on a workload of this text, in a folder that goes away."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOFTMAX_BENCH_")}
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "w.yaml").write_text(text)
        return subprocess.run([PROGRAM, command, "w.yaml", *options], capture_output=True, text=True, check=False,
                              cwd=folder, env={**environment, "SOFTMAX_BENCH_PEAKS": "none"})


class Readme(unittest.TestCase):
    def test_the_example_variant_is_complete_in_under_40_lines(self):
        self.assertLess(len(block("cpp").splitlines()), 40)

    def test_the_example_workload_runs_the_example_variant(self):
        done = run_on(block("yaml"), "run", "--quick", "--csv", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [row for row in csv.DictReader(io.StringIO(done.stdout)) if row["variant"] == "in_double"]
        self.assertGreaterEqual(len(rows), 8)
        for row in rows:
            self.assertEqual(row["verify"], "pass")
            self.assertTrue(row["time_median_ns"] and row["speedup"], row["reason"])

    def test_the_example_meets_every_hard_fill(self):
        fills = re.findall(r'"(\w+)"', re.search(r"RowOp::fills.*?\}", (ROOT / "suites/softmax/row_op.cpp").read_text(),
                                                  re.DOTALL).group(0))
        self.assertGreater(len(fills), 10)
        workloads = "\n".join(
            f"- {{name: {fill}, op: softmax, variants: [in_double], sweep: {{rows: [3], cols: [0, 1, 17, 1000]}}, "
            f"fill: {fill}}}" for fill in fills)
        done = run_on(workloads, "verify")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_tables_name_every_status_and_every_exit_code(self):
        words = re.findall(r'inline constexpr std::string_view k\w+ = "(\w+)"', (ROOT / "src/core/row.h").read_text())
        codes = re.findall(r"kExit\w+ = (\d+)", (ROOT / "src/cli/exit_code.h").read_text())
        self.assertEqual((len(words), len(codes)), (7, 7))
        for word in words:
            self.assertIn(f"| `{word}` |", README)
        for code in codes:
            self.assertRegex(README, rf"(?m)^\| {code} \|")


if __name__ == "__main__":
    unittest.main()
