-- The same with a separator of one's own.
SELECT auction, LISTAGG(DISTINCT bidder, ' | ') AS bidders, LISTAGG(bidder, '') AS joined FROM bids GROUP BY auction
