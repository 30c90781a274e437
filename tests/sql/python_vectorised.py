import polars as pl

import riacho


@riacho.udf(result_type="BIGINT", func_type="polars")
def doubled(n):
    if (n == 13).any():
        raise ValueError("13 is not doubled")
    return n * 2


@riacho.udf(result_type="DOUBLE", func_type="polars")
def distance(x, y):
    return (x * x + y * y).sqrt()


@riacho.udf(result_type="STRING", func_type="polars")
def always(n):
    return pl.Series(["same"])
