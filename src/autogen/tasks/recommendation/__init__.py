"""The task `recommendation`: the items that a person will want next."""
