"""Configuration: the properties of broker and topics under Apache Kafka's names."""
