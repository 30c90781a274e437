SELECT id, REVERSE(n) AS a, REVERSE(U&'e\0301x\000d\000a' || n) AS b1 FROM kinds
