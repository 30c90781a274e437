-- UPPER takes a text.
SELECT UPPER(i) AS x FROM kinds
