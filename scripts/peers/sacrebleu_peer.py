"""sacreBLEU: the reference implementation of BLEU in machine translation."""
import softmax_bench_peer as peer
from softmax_bench_peer import Unsupported, kernel

UNAVAILABLE = peer.environment("small", module="sacrebleu")
VERSIONS = {}

if not UNAVAILABLE:
    import sacrebleu
    from sacrebleu.metrics import BLEU
    VERSIONS = {"sacrebleu": sacrebleu.__version__}


# Only the scores of the sentences are timed; the corpus score and the counts behind it follow after.

@kernel("tensor_bleu", "sentence_score", ("i64",), summary="a loop over the batch, ids as words, no tokenizer")
def bleu_sacrebleu(problem):
    params = problem.params
    smoothing = {"method1": {"smooth_method": "floor", "smooth_value": 0.1}, "method3": {"smooth_method": "exp"}}
    if params["semantics"] != "nltk" or params["weights"] != "uniform4" or params["smoothing"] not in smoothing:
        raise Unsupported("sacreBLEU has four equal weights, and NLTK's method1 and method3 as floor and exp")
    pad = params["pad"]
    metric = BLEU(tokenize="none", effective_order=True, **smoothing[params["smoothing"]])

    def text(row):
        return " ".join(map(str, row[row != pad].tolist()))

    def batch_of_text(candidates, references):
        return [text(row) for row in candidates], [[text(row) for row in rows] for rows in references]

    def call(candidates, references):
        hypotheses, lists = batch_of_text(candidates, references)
        return {"scores": [metric.sentence_score(hyp, refs).score / 100 for hyp, refs in zip(hypotheses, lists)]}

    def after(candidates, references, corpus, counts):
        hypotheses, lists = batch_of_text(candidates, references)
        corpus[0] = metric.corpus_score(hypotheses, list(zip(*lists))).score / 100
        for row, hyp, refs in zip(counts, hypotheses, lists):
            score = metric.sentence_score(hyp, refs)
            row[:] = [*score.counts, *score.totals, score.sys_len, score.ref_len]
    call.after = after
    return call


peer.serve("sacrebleu", VERSIONS, UNAVAILABLE)
