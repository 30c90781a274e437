"""One module per Kafka API: what it does, which versions, which errors, which KIP."""
