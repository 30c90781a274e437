RESET table.local-time-zone;
