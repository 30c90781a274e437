SELECT n LIKE '_\e' FROM kinds
