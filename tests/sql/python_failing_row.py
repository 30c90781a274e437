def reciprocal(n: int) -> float:
    return 1 / n


def tidy(n: int) -> int:
    return "much" if n > 8 else n
