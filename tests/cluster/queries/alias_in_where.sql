-- An alias is not known to WHERE.
SELECT price * 2 AS twice FROM bids WHERE twice > 10
