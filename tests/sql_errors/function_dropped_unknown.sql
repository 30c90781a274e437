DROP FUNCTION discount;
