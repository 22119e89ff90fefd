#!/usr/bin/env python3
"""Times NLTK's sentence_bleu on this machine, on the sentences of tensor_bleu's `edited` fill: CSV on stdout.

    scripts/golden/nltk_env scripts/golden/bleu_time.py --b 32 --s 256 1024 --refs 1
"""
import argparse
import platform
import statistics
import sys
import time
import warnings

import nltk
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from fill import edited_row


def once(batch, smoothing):
    begin = time.perf_counter()
    for candidate, references in batch:
        sentence_bleu(references, candidate, smoothing_function=smoothing)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--b", type=int, default=32, help="sentences")
    parser.add_argument("--s", type=int, nargs="+", default=[256, 1024], help="tokens of a sentence")
    parser.add_argument("--refs", type=int, default=1)
    parser.add_argument("--vocab", type=int, default=32000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    smoothing = SmoothingFunction().method1
    print("nltk,python,b,s,refs,vocab,ms_per_sentence_median,ms_per_sentence_min,ms_per_sentence_max")
    for s in options.s:
        rows = [[edited_row(1, i, k, s, options.vocab) for k in range(1 + options.refs)] for i in range(options.b)]
        batch = [(row[0], row[1:]) for row in rows]
        times = [1e3 * once(batch, smoothing) / options.b for _ in range(options.rounds + 1)][1:]
        print(nltk.__version__, platform.python_version(), options.b, s, options.refs, options.vocab,
              *(f"{t:.4f}" for t in (statistics.median(times), min(times), max(times))), sep=",")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
