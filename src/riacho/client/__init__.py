"""The columnar Kafka client: connections, fetching, producing and administration."""
