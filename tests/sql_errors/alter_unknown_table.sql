ALTER TABLE bid DROP price;
