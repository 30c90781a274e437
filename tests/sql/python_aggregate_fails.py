class Picky:
    def create_accumulator(self):
        return [0.0]

    def accumulate(self, accumulator, a):
        accumulator[0] += 1 / a

    def get_value(self, accumulator) -> float:
        return accumulator[0]
