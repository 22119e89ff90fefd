"""NLTK: BLEU as everybody computes it, sentence by sentence."""
import warnings

import softmax_bench_peer as peer
from softmax_bench_peer import Unsupported, kernel

UNAVAILABLE = peer.environment("small", module="nltk")
VERSIONS = {}

if not UNAVAILABLE:
    import nltk
    from nltk.translate import bleu_score
    VERSIONS = {"nltk": nltk.__version__}
    warnings.simplefilter("ignore")  # about sentences without a match

WEIGHTS = {"uniform1": (1,), "uniform2": (1 / 2,) * 2, "uniform3": (1 / 3,) * 3, "uniform4": (1 / 4,) * 4,
           "uniform5": (1 / 5,) * 5, "decay4": (0.4, 0.3, 0.2, 0.1)}


def sentences(row, pad):
    """Token ids of a padded row."""
    return row[row != pad].tolist()


def batch(candidates, references, pad):
    return ([sentences(row, pad) for row in candidates],
            [[sentences(row, pad) for row in rows] for rows in references])


# Only the scores of the sentences are timed; the corpus score and the counts behind it follow after.

@kernel("tensor_bleu", "sentence_bleu", ("i64",), summary="a loop over the batch, ids as lists")
def bleu_nltk(problem):
    params = problem.params
    if params["semantics"] != "nltk":
        raise Unsupported("NLTK knows its own semantics only")
    pad, weights = params["pad"], WEIGHTS[params["weights"]]
    smoothing = getattr(bleu_score.SmoothingFunction(), params["smoothing"])
    options = {"weights": weights, "smoothing_function": smoothing, "auto_reweigh": params["auto_reweigh"]}
    orders = 5 if params["smoothing"] in ("method5", "method7") else len(weights)

    def call(candidates, references):
        hypotheses, lists = batch(candidates, references, pad)
        return {"scores": [bleu_score.sentence_bleu(refs, hyp, **options) for hyp, refs in zip(hypotheses, lists)]}

    def after(candidates, references, corpus, counts):
        hypotheses, lists = batch(candidates, references, pad)
        corpus[0] = bleu_score.corpus_bleu(lists, hypotheses, **options)
        for row, hyp, refs in zip(counts, hypotheses, lists):
            precisions = [bleu_score.modified_precision(refs, hyp, i) for i in range(1, orders + 1)]
            row[:orders] = [p.numerator for p in precisions]
            row[orders:2 * orders] = [max(0, len(hyp) - i) for i in range(orders)]
            row[-2:] = len(hyp), bleu_score.closest_ref_length(refs, len(hyp))
    call.after = after
    return call


peer.serve("nltk", VERSIONS, UNAVAILABLE)
