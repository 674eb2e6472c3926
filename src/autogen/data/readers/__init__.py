"""Files and other sources as rows."""
