"""What the review page keeps, on SQLite or PostgreSQL. All SQL is here; pages get the nouns of model.py."""
