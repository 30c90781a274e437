import json
import sys

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": sys.argv[1]})
for number in range(3_000):
    order = {"city": ("Lisboa", "Recife", "Luanda")[number % 3], "price": number % 100}
    producer.produce("orders", json.dumps(order))
producer.flush()
