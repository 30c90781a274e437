SELECT N'世界';
