"""Where the loss goes, token by token: a page of examples under several arms; `stage.tokens` writes it."""
