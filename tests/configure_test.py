#!/usr/bin/env python3
"""Configuring without the optional parts works and says what was found, and the program as it is installed finds its
data.  configure_test.py CMAKE GENERATOR BUILD_DIR"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
CMAKE, GENERATOR, BUILD = sys.argv[1:4]
del sys.argv[1:4]
PARTS = ("XNNPACK", "ONEDNN", "FFTW", "OPENBLAS", "ZSTD", "NVTX", "CUPTI")


def run(*command, cwd=None):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=cwd)


class Configure(unittest.TestCase):
    def test_without_any_optional_part_it_goes_on_and_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(CMAKE, "-G", GENERATOR, "-S", ROOT, "-B", folder, "-DSB_CUDA=OFF", "-DSB_TESTS=OFF",
                       f"-DSB_WITHOUT={';'.join(PARTS)}")
            self.assertEqual(done.returncode, 0, done.stderr)
            for part in (*PARTS, "CUDA"):
                self.assertIn(f"{part} no", done.stdout)


class Install(unittest.TestCase):
    def test_the_installed_program_finds_its_workloads_from_anywhere(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = pathlib.Path(folder, "prefix")
            done = run(CMAKE, "--install", BUILD, "--prefix", prefix)
            self.assertEqual(done.returncode, 0, done.stderr)
            program = prefix / "bin/softmax-bench"
            environment = json.loads(run(program, "env", cwd=folder).stdout)
            self.assertEqual(environment["program"]["data"], str(prefix / "share/softmax-bench"))
            plan = run(program, "run", "configs/quickstart.yaml", "--dry-run", cwd=folder)
            self.assertEqual(plan.returncode, 0, plan.stderr)
            claims = run(program, "claims", "--list", cwd=folder)
            self.assertEqual(claims.returncode, 0, claims.stderr)


if __name__ == "__main__":
    unittest.main()
