import riacho


@riacho.udtf(result_types=["STRING", "INT"])
def words(line):
    for word in (line or "").split():
        if word == "!":
            raise ValueError("no word")
        yield word, len(word)


def letters(text: str, most: int = 2) -> list[str]:
    return list(text)[:most]


letters = riacho.udtf(letters, result_types="STRING")
