#!/usr/bin/env python3
"""scripts/spread_study on made-up series: weather that changes every second, and none."""
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "spread_study"
SECONDS = 0.01


def study(times):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("workload,op,variant,isa,params,threads,cache,round,time_ns\n")
        file.writelines(f"w,softmax,v,avx2,n=8,1,warm,{i},{ns}\n" for i, ns in enumerate(times))
        file.flush()
        return subprocess.run([sys.executable, SCRIPT, file.name, "--seconds-per-sample", str(SECONDS)],
                              capture_output=True, text=True)


def shares(done):
    cells = [line.split("|")[2:5] for line in done.stdout.splitlines()[2:]]
    return {(float(span), float(after)): text.strip() for span, after, text in cells}


def percent(text):
    return float(text.removesuffix(" %"))


class SpreadStudy(unittest.TestCase):
    def test_short_runs_disagree_where_the_machine_changes_every_second_and_spread_ones_do_not(self):
        random.seed(2)
        weather = [random.uniform(100, 150) for _ in range(60)]
        found = shares(study([weather[int(i * SECONDS)] + random.uniform(0, 1) for i in range(6000)]))
        self.assertGreater(percent(found[0.7, 10]), 50)
        self.assertLess(percent(found[13, 13]), 20)

    def test_runs_of_a_steady_machine_agree_however_they_lie(self):
        random.seed(3)
        for share in shares(study([random.uniform(100, 101) for _ in range(6000)])).values():
            self.assertLess(percent(share), 5)

    def test_a_series_that_is_too_short_says_so(self):
        self.assertEqual(shares(study([100.0] * 200))[13, 13], "series too short")

    def test_a_file_of_another_kind_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("a,b\n1,2\n")
            file.flush()
            done = subprocess.run([sys.executable, SCRIPT, file.name, "--seconds-per-sample", "1"],
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("samples.csv", done.stderr)


if __name__ == "__main__":
    unittest.main()
