"""A task and a skill for AutoGen in a package of their own: sentiments, told by a lexicon of weighted words."""
