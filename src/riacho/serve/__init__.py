"""Views over compacted topics, SQL over views, and the HTTP API."""
