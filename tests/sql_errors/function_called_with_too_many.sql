CREATE FUNCTION fold AS 'riacho.sql.errors.did_you_mean' LANGUAGE PYTHON;
INSERT INTO anything SELECT fold(channel, channel, 'x'), price FROM bids;
