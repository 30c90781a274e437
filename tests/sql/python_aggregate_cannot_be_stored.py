import threading


class Locked:
    def create_accumulator(self):
        return [0, threading.Lock()]

    def accumulate(self, accumulator, a):
        accumulator[0] += a

    def get_value(self, accumulator) -> int:
        return accumulator[0]
