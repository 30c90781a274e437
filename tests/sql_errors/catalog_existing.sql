CREATE CATALOG default_catalog WITH ('type' = 'generic_in_memory');
