-- A bare NULL has no type.
SELECT NULL FROM kinds
