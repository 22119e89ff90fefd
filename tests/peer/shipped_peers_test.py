#!/usr/bin/env python3
"""The shipped peers keep to the protocol and are right. The small ones are installed from PyPI if need be (not reached:
skipped, 77); the big ones are tested where they have been set up, and must say how to get them where they have not."""
import os
import pathlib
import subprocess
import sys

PROGRAM = sys.argv[1]
PEERS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "peers"
SMALL = ["numpy", "scipy", "nltk", "sacrebleu"]
BIG = ["torch", "onnxruntime"]


def verify(name, **more):
    return subprocess.run([PROGRAM, "verify", "--quiet", "--peer", f"python3 {PEERS}/{name}_peer.py"],
                          capture_output=True, text=True, env={**os.environ, **more})


def check(what, condition, done):
    print(f"{'ok  ' if condition else 'FAIL'}  {what}", flush=True)
    if not condition:
        sys.exit(f"exit {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-2000:]}")


for name in BIG + SMALL[:1]:
    done = verify(name, SOFTMAX_BENCH_PEERS="/no/such/folder")
    if "is not there; get it with" in done.stdout:
        env = name if name in BIG else "small"
        check(f"{name} without its library says how to get it",
              done.returncode == 77 and f"scripts/peers/setup {env}" in done.stdout, done)
    else:
        print(f"skip  {name}: this Python has it anyway")

ready = subprocess.run([PEERS / "setup", "small"], capture_output=True, text=True)
for name in BIG:
    if "is not there; get it with" in verify(name).stdout:
        print(f"skip  {name}: not set up here (scripts/peers/setup {name})")
    else:
        done = verify(name)
        check(f"{name} conforms", done.returncode == 0, done)
if ready.returncode != 0:
    print(f"skip  the small peers: setup failed, is PyPI out of reach?\n{ready.stderr}")
    sys.exit(77)
for name in SMALL:
    done = verify(name)
    check(f"{name} conforms", done.returncode == 0, done)
