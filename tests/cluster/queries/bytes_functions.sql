-- Functions of bytes.
SELECT id, CAST(bin AS STRING) AS a, CAST(s AS BYTES) AS b1, TO_BASE64(n) AS c1, MD5(bin) AS d1, bin = X'010203' AS e, DECODE(bin, 'UTF-8') AS f1, HEX(n) AS g FROM kinds WHERE id < 4
