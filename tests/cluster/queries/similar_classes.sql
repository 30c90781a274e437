SELECT id, n SIMILAR TO '[[:ALPHA:]]+' AS a, n SIMILAR TO '[^[:DIGIT:]]+' AS b1, n SIMILAR TO '[[:LOWER:][:DIGIT:]]%' AS c1, n SIMILAR TO '[:DIGIT:]' AS d1 FROM kinds
