"""Pictures and reports of versions: what the exported model answered, drawn; one page that opens without a network."""
