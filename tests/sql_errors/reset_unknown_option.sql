RESET 'table.local-timezone';
