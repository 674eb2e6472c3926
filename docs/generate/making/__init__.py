"""What the scripts that make pages share."""
