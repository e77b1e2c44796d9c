"""Growing a data set from seeds with a model: plan, ask, gate, until every cell has its share."""
