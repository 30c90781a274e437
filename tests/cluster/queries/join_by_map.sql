-- Maps that are equal.
SELECT l.id, r.id AS other FROM kinds AS l JOIN kinds AS r ON l.m = r.m
