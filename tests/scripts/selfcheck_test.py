#!/usr/bin/env python3
"""scripts/selfcheck with a program that prints chosen rows."""
import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = ("workload op variant isa device dtype params threads cache fill seed status "
           "time_median_ns time_lo_ns time_hi_ns").split()

# Writes the rows that plan.json has for this run, and exits as it says.
FAKE = """#!/usr/bin/env python3
import csv, json, pathlib, sys
plan = json.loads((pathlib.Path(__file__).parent / "plan.json").read_text())
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
run = ("first", "second").index(out.name)
out.mkdir(parents=True)
(out / "arguments").write_text(" ".join(sys.argv))
with (out / "results.csv").open("w", newline="") as file:
    writer = csv.DictWriter(file, plan["columns"])
    writer.writeheader()
    writer.writerows(plan["runs"][run])
sys.exit(plan["exit"])
"""


def row(variant, lo, hi, op="softmax"):
    return {"workload": "w", "op": op, "variant": variant, "time_median_ns": (lo + hi) / 2 if lo else "",
            "time_lo_ns": lo, "time_hi_ns": hi}


def rows(count, lo=10, hi=12):
    return [row(f"v{i}", lo, hi) for i in range(count)]


class Selfcheck(unittest.TestCase):
    def check(self, first, second, exit_code=0, more=()):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "fake"
            program.write_text(FAKE)
            program.chmod(0o755)
            plan = {"columns": COLUMNS, "runs": [first, second], "exit": exit_code}
            (program.parent / "plan.json").write_text(json.dumps(plan))
            done = subprocess.run([ROOT / "scripts/selfcheck", "--program", program, "--out", f"{folder}/o", *more],
                                  capture_output=True, text=True, check=False)
            arguments = program.parent / "o/second/arguments"
            self.arguments = arguments.read_text() if arguments.exists() else ""
            return done

    def test_two_runs_that_agree_pass(self):
        done = self.check(rows(50), rows(50, 12, 13))  # the ends touch
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 of 50 rows differ (at most 1)", done.stdout)

    def test_one_disjoint_row_in_fifty_passes_and_is_named(self):
        done = self.check(rows(49) + [row("odd", 20, 21)], rows(49) + [row("odd", 22, 23)])
        self.assertEqual(done.returncode, 0)
        self.assertIn("/odd@", done.stdout)
        self.assertIn("+9.8 %", done.stdout)

    def test_one_disjoint_row_in_forty_nine_fails(self):
        self.assertEqual(self.check(rows(48) + [row("odd", 20, 21)], rows(48) + [row("odd", 22, 23)]).returncode, 1)

    def test_two_disjoint_rows_in_fifty_fail(self):
        self.assertEqual(self.check(rows(50), rows(48) + rows(50, 13, 14)[48:]).returncode, 1)

    def test_a_row_of_one_run_only_counts_as_different(self):
        done = self.check(rows(3), rows(2))
        self.assertEqual(done.returncode, 1)
        self.assertIn("only in the first run", done.stdout)

    def test_an_empty_kernel_of_50_ns_fails(self):
        self.assertEqual(self.check(rows(1) + [row("e", 49, 50, "empty")], rows(1) + [row("e", 49, 50, "empty")])
                         .returncode, 0)
        done = self.check(rows(1) + [row("e", 50, 50, "empty")], rows(1) + [row("e", 50, 50, "empty")])
        self.assertEqual(done.returncode, 1)
        self.assertIn("the empty kernel reads 50.00 ns", done.stdout)

    def test_other_options_go_to_run(self):
        self.check(rows(1), rows(1), more=["--rounds", "7"])
        self.assertIn("--rounds 7", self.arguments)

    def test_the_two_runs_take_turns_by_one_file(self):
        self.check(rows(1), rows(1))
        self.assertRegex(self.arguments, "--turns .*softmax-bench-turns-")

    def test_one_after_another_they_do_not(self):
        self.check(rows(1), rows(1), more=["--one-after-another"])
        self.assertNotIn("--turns", self.arguments)

    def test_what_cannot_be_judged_exits_2(self):
        self.assertEqual(self.check(rows(1), rows(1), exit_code=3).returncode, 2)
        self.assertEqual(self.check([row("skipped", "", "")], []).returncode, 2)
        missing = subprocess.run([ROOT / "scripts/selfcheck", "--program", "/nonexistent"], capture_output=True,
                                 text=True, check=False)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("run scripts/quickstart", missing.stderr)


if __name__ == "__main__":
    unittest.main()
