-- A name that no table has.
SELECT nope FROM bids
