-- Names are case-sensitive.
SELECT ID FROM kinds
