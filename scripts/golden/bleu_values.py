#!/usr/bin/env python3
"""Golden values of tensor_bleu: scores and counts by NLTK for small corpora, as JSON on stdout.

A row is a list of token ids with 0 as pad; NLTK gets the row without its pads. A score is null where NLTK raises
(method 6 asserts a non-zero trigram precision)."""
import json
import random
import sys
import warnings

import nltk
from nltk.translate.bleu_score import (SmoothingFunction, closest_ref_length, corpus_bleu, modified_precision,
                                       sentence_bleu)

from fill import edited_row

WEIGHTS = {f"uniform{n}": (1 / n,) * n for n in range(1, 6)}
WEIGHTS["decay4"] = (0.4, 0.3, 0.2, 0.1)


def edited(rng, source, vocab, share, length):
    row = [rng.randint(1, vocab) if rng.random() < share else t for t in source]
    return row[:length]


def random_case(seed, sentences, refs, s, vocab, share, ragged):
    rng = random.Random(seed)
    candidates, references = [], []
    for _ in range(sentences):
        source = [rng.randint(1, vocab) for _ in range(s)]
        length = lambda: rng.randint(0, s) if ragged else s
        candidates.append(edited(rng, source, vocab, share, length()))
        references.append([edited(rng, source, vocab, share, length()) for _ in range(refs)])
    return candidates, references


def cases():
    big = 1 << 40
    misses = list(range(101, 108))
    ten = list(range(1, 11))
    yield "the the the", [[7] * 7], [[[7, 1, 2, 3, 7, 4], [5, 2, 1, 7, 6, 7]]]
    yield "precisions 3/10 2/9 1/8 0/7", [[1, 2, 3] + misses], [[ten]]
    yield "no unigram in common", [misses + [108, 109, 110]], [[ten]]
    yield "identical", [ten], [[ten]]
    yield "length tie", [list(range(1, 13))], [[list(range(1, 14)), list(range(1, 12))]]
    yield "length tie, shorter first", [list(range(1, 13))], [[list(range(1, 12)), list(range(1, 14))]]
    yield "shorter than every order", [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]], [[[1, 2, 3, 4, 5]]] * 4
    yield "empty candidate", [[], [1, 2, 3, 4, 5]], [[[1, 2, 3]], [[1, 2, 3, 4, 6]]]
    yield "empty reference", [[1, 2, 3, 4, 5]], [[[], [1, 2, 3, 4, 9]]]
    yield "ids that differ above bit 32 only", [[big + 1, 2 * big + 1, 3 * big + 1, 1, 2]], [
        [[big + 1, 2 * big + 1, 3 * big + 1, 4 * big + 1, 2]]]
    yield "negative ids", [[-1, -2, -3, -4, -5, -6]], [[[-1, -2, -3, -4, 5, 6]]]
    yield "pads inside", [[1, 0, 2, 3, 0, 0, 4, 5, 6]], [[[1, 2, 0, 3, 4, 5, 0, 7, 0]]]
    yield "repeats", [[1, 1, 1, 2, 1, 1, 1, 2, 1, 1]], [[[1, 1, 2, 1, 1, 2, 1, 1, 2, 2], [2, 2, 1, 1, 1, 1, 1, 1, 1, 2]]]
    yield ("random, one reference", *random_case(1, 6, 1, 24, 50, 0.3, False))
    yield ("random, three references", *random_case(2, 6, 3, 24, 12, 0.4, False))
    yield ("random, ragged", *random_case(3, 8, 2, 16, 6, 0.2, True))
    yield ("random, distant", *random_case(4, 6, 2, 20, 40, 0.8, False))
    rows = [[edited_row(1, item, which, 64, 100) for which in range(3)] for item in range(3)]
    yield "fill edited", [r[0] for r in rows], [r[1:] for r in rows]


def score(function, *arguments, **options):
    try:
        return float(function(*arguments, **options))
    except AssertionError:
        return None


def without_pads(row):
    return [token for token in row if token != 0]


def golden(name, candidates, references):
    hypotheses = [without_pads(c) for c in candidates]
    lists = [[without_pads(r) for r in refs] for refs in references]
    counts = []
    for refs, hyp in zip(lists, hypotheses):
        precisions = [modified_precision(refs, hyp, n) for n in range(1, 6)]
        counts.append([p.numerator for p in precisions] + [max(0, len(hyp) - n + 1) for n in range(1, 6)] +
                      [len(hyp), closest_ref_length(refs, len(hyp))])
    scores = []
    for method in range(8):
        for words, weights in WEIGHTS.items():
            if method == 6 and len(weights) < 3:
                continue
            for reweigh in (False, True) if words == "uniform4" else (False,):
                options = {"weights": weights, "auto_reweigh": reweigh,
                           "smoothing_function": getattr(SmoothingFunction(), f"method{method}")}
                scores.append({
                    "smoothing": f"method{method}", "weights": words, "auto_reweigh": reweigh,
                    "sentences": [score(sentence_bleu, r, h, **options) for r, h in zip(lists, hypotheses)],
                    "corpus": score(corpus_bleu, lists, hypotheses, **options)})
    return {"name": name, "candidates": candidates, "references": references, "counts": counts, "scores": scores}


def main():
    warnings.simplefilter("ignore")  # method 0 warns for each zero
    document = {"made_by": f"scripts/golden/bleu_values.py with NLTK {nltk.__version__}",
                "cases": [golden(*case) for case in cases()]}
    text = json.dumps(document, separators=(",", ":"))
    sys.stdout.write(text.replace('{"name"', '\n{"name"').replace('{"smoothing"', '\n {"smoothing"') + "\n")


if __name__ == "__main__":
    main()
