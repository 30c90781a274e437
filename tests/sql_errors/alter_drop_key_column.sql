ALTER TABLE people DROP id;
