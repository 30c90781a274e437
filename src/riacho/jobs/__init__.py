"""A job's life: the worker loop, snapshots, restore and the supervisor."""
