ADD JAR '/opt/flink/lib/flink-sql-connector-kafka.jar';
