ALTER TABLE bids ADD (colour, size INT);
