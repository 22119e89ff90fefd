"""The interval that softmax-bench itself gives for a median (src/measure/statistics.h), for the scripts beside it."""
import math

CONFIDENCE = 0.95


def sign_test_interval(values):
    """[x(k), x(n+1-k)], the narrowest that covers the median with CONFIDENCE; [min, max] where none does."""
    values, n = sorted(values), len(values)
    outside, k = 0.0, 0
    while k < n // 2:
        outside += 2 * math.comb(n, k) / 2 ** n
        if 1 - outside < CONFIDENCE:
            break
        k += 1
    k = max(k, 1)
    return values[k - 1], values[n - k]
