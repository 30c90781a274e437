"""The web page people look at: routes, server-sent events and the built assets."""
