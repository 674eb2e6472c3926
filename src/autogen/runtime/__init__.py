"""The exported model answering, free of torch."""
