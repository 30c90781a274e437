ALTER TABLE expensive DROP price;
