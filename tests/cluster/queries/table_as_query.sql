TABLE rates
