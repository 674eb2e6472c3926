"""What an agent can do: one package per skill."""
