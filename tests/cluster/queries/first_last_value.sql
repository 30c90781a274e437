-- FIRST_VALUE and LAST_VALUE in the order of arrival.
SELECT auction, FIRST_VALUE(price) AS a, LAST_VALUE(price) AS b, FIRST_VALUE(quantity) AS c FROM bids GROUP BY auction
