-- Top 2 over groups that change.
SELECT auction, n, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, auction) AS rn FROM (SELECT auction, COUNT(*) AS n FROM bids GROUP BY auction) AS g) AS t WHERE rn <= 2
