"""The `edited` fill of tensor_bleu in Python, so that NLTK is timed on the very sentences that the variants get.
suites/tensor_bleu/bleu_test.cpp compares the two."""

MASK = (1 << 64) - 1


def random_bits(seed, index):
    """core/fill.h's generator."""
    z = (seed * 0xD1342543DE82EF95 + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def draw(vocab, seed, index):
    u = (random_bits(seed, index) >> 11) * 2.0**-53
    return 1 + int(vocab * u * u * u)


def edited_row(seed, item, which, s, vocab, pad=0):
    """Row 0 of an item is the candidate, 1 ... its references."""
    own = random_bits(seed, item * 1000 + which)
    common = random_bits(seed, item * 1000 + 1)
    moved = 0 if which == 1 else random_bits(own, 2) % 4
    row = []
    for p in range(s):
        edited = which != 1 and random_bits(own ^ 3, p) % 10 < 3
        token = draw(vocab, own ^ 4, p) if edited else draw(vocab, common, p + moved)
        row.append(token + 1 if token == pad else token)
    return row
