"""Sources and sinks outside Kafka, one module per outside system."""
