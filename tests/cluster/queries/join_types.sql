-- Keys of different numeric types.
SELECT a.id, b.city FROM auctions AS a JOIN branches AS b ON a.id = b.id
