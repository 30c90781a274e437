class Reciprocal:
    def create_accumulator(self):
        return [0]

    def accumulate(self, accumulator, a):
        accumulator[0] += a

    def get_value(self, accumulator) -> float:
        return 1 / accumulator[0]
