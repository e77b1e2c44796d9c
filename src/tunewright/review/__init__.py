"""The review page: people revise pairs, rate systems blind and settle disagreements, in a browser.

One process, SQLite by default, PostgreSQL by URL. SQL stands in `store` alone, HTTP in `web` alone.
"""
