INSERT INTO anything SELECT channel, COLLECT(channel)['web'] FROM bids GROUP BY channel;
