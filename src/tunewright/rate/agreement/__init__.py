"""How far scores of the same things agree: two sets of scores, or several raters."""

from tunewright.rate.agreement.cohen import PairKappa
from tunewright.rate.agreement.raters import Coefficient, RaterAgreement, measure_agreement
from tunewright.rate.agreement.table import RatingTable, rating_table
from tunewright.rate.agreement.two_scores import (
    UNDEFINED,
    Agreement,
    Comparison,
    agreement,
    compare,
    pearson,
    quadratic_kappa,
    spearman,
)

__all__ = [
    "UNDEFINED",
    "Agreement",
    "Coefficient",
    "Comparison",
    "PairKappa",
    "RaterAgreement",
    "RatingTable",
    "agreement",
    "compare",
    "measure_agreement",
    "pearson",
    "quadratic_kappa",
    "rating_table",
    "spearman",
]
