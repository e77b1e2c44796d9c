"""The three forms by name; see `coach.form`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from tunewright.coach.form import Form
from tunewright.coach.forms.flat import FlatForm
from tunewright.coach.forms.lines import LinesForm
from tunewright.coach.forms.marked import MarkedForm

FormName = Literal["lines", "marked", "flat"]
FORMS: Mapping[str, Form] = {form.name: form for form in (LinesForm(), MarkedForm(), FlatForm())}
assert set(FORMS) == set(get_args(FormName))


def form_named(name: FormName) -> Form:
    return FORMS[name]
