ALTER TABLE bids ADD price INT;
