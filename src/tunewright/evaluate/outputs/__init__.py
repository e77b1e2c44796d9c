"""Answers of a model to prompts: the files they are kept in, and the stage that asks for them."""
