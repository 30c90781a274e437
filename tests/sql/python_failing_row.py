import sys


def reciprocal(n: int) -> float:
    return 1 / n


def tidy(n: int) -> int:
    if n == 7:
        sys.exit("seven")
    return "much" if n > 8 else n
