def city(address: str) -> str:
    return address.rpartition(",")[2].strip()


def near(a: int, b: int) -> bool:
    return abs(a - b) <= 1


def even(n: int) -> bool:
    return n % 2 == 0
