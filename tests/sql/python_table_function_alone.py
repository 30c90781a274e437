import riacho


@riacho.udtf(result_types=["STRING", "INT"])
def words(line):
    for word in (line or "").split():
        yield word, len(word)
