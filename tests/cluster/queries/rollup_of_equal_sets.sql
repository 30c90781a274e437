SELECT bidder, auction, COUNT(*) FROM bids GROUP BY CUBE ((bidder, auction), bidder)
