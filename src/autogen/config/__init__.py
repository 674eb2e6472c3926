"""What a project says of itself, typed and checked: `agent.toml`, training settings, tuning methods."""
