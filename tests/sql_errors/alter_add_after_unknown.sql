ALTER TABLE bids ADD size INT AFTER prise;
