-- A date is not compared with a timestamp.
SELECT id FROM kinds WHERE da < ts
