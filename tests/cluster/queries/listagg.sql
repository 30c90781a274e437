-- LISTAGG in the order of arrival.
SELECT auction, LISTAGG(bidder) AS a, LISTAGG(bidder, ';') AS b, LISTAGG(DISTINCT bidder) AS c FROM bids GROUP BY auction
