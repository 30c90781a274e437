SELECT id, JSON_OBJECT('a' VALUE JSON('{"b": [1, 2 ] }'), 'n' VALUE n) AS a, JSON_ARRAY(JSON('{}'), id) AS b1 FROM kinds
