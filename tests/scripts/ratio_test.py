#!/usr/bin/env python3
"""scripts/ratio on made-up samples: who is whose partner, what the ratio is, and who has not taken turns."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "ratio"
HEADER = "schema_version,run_id,workload,op,variant,isa,device,dtype,params,threads,cache,fill,seed,round,time_ns,began_s\n"


def lines(times, began, workload="w", op="conv", params="n=64", threads=1):
    return [f"1,r,{workload},{op},fused,avx2,cpu,f32,{params},{threads},cold,normal,1,{i + 1},{ns},{at}\n"
            for i, (ns, at) in enumerate(zip(times, began))]


def ratio(samples, first, second):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "samples.csv").write_text(HEADER + "".join(samples))
        return subprocess.run([sys.executable, SCRIPT, folder, first, second], capture_output=True, text=True)


TURNS = [1, 4, 5, 8, 9, 12, 13]  # forward, backward, forward, ...
OTHERS = [2, 3, 6, 7, 10, 11, 14]


class Ratio(unittest.TestCase):
    def test_is_the_median_over_the_rounds_with_the_sign_test_interval(self):
        plain, gated = [100, 110, 200, 100, 100, 100, 100], [130, 143, 280, 120, 130, 140, 110]
        done = ratio(lines(plain, TURNS) + lines(gated, OTHERS, params="gated=true;n=64"), "gated=true", "gated=")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| 0.00013 | 0.0001 | 1.300 [1.100, 1.400] | 7 | 1 s |", done.stdout)

    def test_compares_only_what_is_equal_in_everything_else(self):
        samples = (lines([100] * 7, TURNS) + lines([50] * 7, OTHERS, threads=2) +
                   lines([30] * 7, OTHERS, threads=2, params="gated=true;n=64"))
        done = ratio(samples, "threads=1", "threads=2")
        self.assertIn("2.000 [2.000, 2.000]", done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 3, done.stdout)

    def test_says_once_what_all_cases_have_in_common(self):
        samples = [line for n in (64, 128) for threads, began in ((1, TURNS), (2, OTHERS))
                   for line in lines([100] * 7, began, threads=threads, params=f"n={n}")]
        done = ratio(samples, "threads=1", "threads=2")
        self.assertIn("All: op=conv variant=fused", done.stdout)
        self.assertIn("| n=64 |", done.stdout)
        self.assertIn("| n=128 |", done.stdout)

    def test_finds_the_partner_in_another_workload_where_its_own_has_none(self):
        forward = lines([100] * 7, TURNS, workload="forward")
        backward = lines([300] * 7, OTHERS, workload="backward", op="conv_backward")
        self.assertIn("3.000", ratio(forward + backward, "op=conv_backward", "op=conv").stdout)

    def test_prefers_the_partner_of_its_own_workload(self):
        pair = lines([100] * 7, TURNS) + lines([50] * 7, OTHERS, threads=2)
        elsewhere = lines([10] * 7, range(100, 107), workload="another", threads=2)
        done = ratio(pair + elsewhere, "threads=1", "threads=2")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 3), done.stdout + done.stderr)

    def test_refuses_cases_that_were_measured_one_after_the_other(self):
        done = ratio(lines([100] * 7, range(7)) + lines([50] * 7, range(100, 107), threads=2), "threads=1", "threads=2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not take turns", done.stderr)
        self.assertNotIn("2.000", done.stdout)

    def test_refuses_cases_of_different_numbers_of_rounds(self):
        done = ratio(lines([100] * 7, TURNS) + lines([50] * 6, OTHERS[:6], threads=2), "threads=1", "threads=2")
        self.assertEqual(done.returncode, 1)

    def test_a_pair_that_no_row_has_is_an_error(self):
        done = ratio(lines([100] * 7, TURNS), "threads=1", "threads=2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no two rows that differ in threads=1 and threads=2 alone", done.stderr)

    def test_a_case_without_a_value_and_a_folder_without_samples_are_errors_in_plain_words(self):
        done = ratio(lines([100] * 7, TURNS), "threads", "threads=2")
        self.assertEqual((done.returncode, done.stderr), (2, "ratio: threads: not KEY=VALUE; two cases are like "
                                                             "threads=1 threads=2\n"))
        done = subprocess.run([sys.executable, SCRIPT, "nowhere", "threads=1", "threads=2"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "ratio: nowhere/samples.csv: No such file or directory; "
                                                             "give the folder of a run\n"))

    def test_a_key_that_only_one_case_names_is_an_error(self):
        done = ratio(lines([100] * 7, TURNS), "threads=1", "thread=2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("different keys", done.stderr)

    def test_samples_without_their_times_of_day_are_an_error_that_says_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "samples.csv").write_text(
                HEADER.replace(",began_s", "") + lines([1], [1])[0].rsplit(",", 1)[0] + "\n")
            done = subprocess.run([sys.executable, SCRIPT, folder, "threads=1", "threads=2"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("began_s", done.stderr)


if __name__ == "__main__":
    unittest.main()
