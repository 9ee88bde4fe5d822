"""Coverage-guided fuzzing of the wire layer: ``make fuzz``, or ``python -m fuzz.run``.

``properties`` says what must hold for any input, ``grammar`` makes inputs that get far, ``target``
is one libFuzzer process, and ``run`` builds the instrumented cores and sees to the numbers. The
short form is a part of the tests (``tests/fuzz``) and needs neither clang nor atheris.
"""
