"""What functions and casts are computed with: settings, zones, exact decimals, whole-column steps, failing rows."""
