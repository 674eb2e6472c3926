"""The exported model: made, proven to agree, made small."""
