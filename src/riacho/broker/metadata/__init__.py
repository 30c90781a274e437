"""What the broker knows besides records: topics, their ids and configurations, and producer ids."""
