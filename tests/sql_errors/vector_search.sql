INSERT INTO anything SELECT channel, price FROM VECTOR_SEARCH(TABLE bids, DESCRIPTOR(tags), ARRAY['a'], 3);
