"""As HumanEval does: its metric comes from the hub when the module is imported."""

raise FileNotFoundError("Module 'code_eval' does not exist on the hub")
