"""The coach: learn from people's revisions to revise a whole data set, and leave what is good alone."""
