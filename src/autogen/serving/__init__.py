"""The agent over HTTP, in OpenAI's shape. Never imports torch: learning happens in another process."""
