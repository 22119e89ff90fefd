#!/usr/bin/env python3
"""scripts/fit_slope on made-up rows: a linear variant, a quadratic one, and one that is no power law."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "fit_slope"
HEADER = "workload,op,variant,isa,params,threads,cache,time_median_ns\n"


def fit(lines, over="b"):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(HEADER + "".join(lines))
        file.flush()
        return subprocess.run([sys.executable, SCRIPT, file.name, "--over", over], capture_output=True, text=True)


def rows(variant, time):
    return [f"w,op,{variant},scalar,b={b};s=256,1,warm,{time(b)}\n" for b in (16, 32, 64, 128)]


class FitSlope(unittest.TestCase):
    def test_a_power_law_gives_its_exponent_and_a_narrow_interval(self):
        out = fit(rows("linear", lambda b: 3 * b) + rows("quadratic", lambda b: 5 * b * b)).stdout
        self.assertIn("| linear@scalar | 1 | 16 ... 128 | 1.00 | 1.00 ... 1.00 | 1.00 |", out)
        self.assertIn("| quadratic@scalar | 1 | 16 ... 128 | 2.00 | 2.00 ... 2.00 | 2.00 |", out)

    def test_a_curve_that_bends_has_a_wide_interval_and_another_last_step(self):
        out = fit(rows("bent", lambda b: 1000 * b + b * b * b)).stdout
        line = next(line for line in out.splitlines() if "bent" in line)
        slope, interval, last = (cell.strip() for cell in line.split("|")[6:9])
        low, high = (float(x) for x in interval.split("..."))
        self.assertGreater(high - low, 0.3)
        self.assertGreater(float(last), float(slope))

    def test_rows_without_time_are_left_out(self):
        out = fit(rows("linear", lambda b: 3 * b) + ["w,op,linear,scalar,b=256;s=256,1,warm,\n"]).stdout
        self.assertIn("16 ... 128", out)

    def test_a_parameter_that_no_row_has_is_an_error(self):
        result = fit(rows("linear", lambda b: b), over="rows")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no variant has times at two values of rows", result.stderr)


if __name__ == "__main__":
    unittest.main()
