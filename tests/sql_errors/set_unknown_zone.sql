SET 'table.local-time-zone' = 'Mars/Olympus';
