-- Bytes that go on in the next line.
-- differs: Calcite joins their bits without the zeros at the beginning of the second
SELECT id, x'01'
  '02' AS b FROM kinds
