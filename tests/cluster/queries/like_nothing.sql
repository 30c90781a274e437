-- differs: every text is LIKE a literal '' in Flink, though a computed '' matches the empty text alone, as both do here.
SELECT id, v LIKE '' AS a, v NOT LIKE '' AS b FROM kinds
