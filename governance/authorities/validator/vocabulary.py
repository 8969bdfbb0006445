"""The small words that the validator knows: those that negate, ask, and stand beside names."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that take back what follows; words in "n't" do, too.
NEGATORS = _words(
    """
    not no never without cannot neither nor nothing none non hardly dont doesnt isnt wont
    cant arent didnt avoid prevent prevents preventing
    """
)

# Words that end a negation.
NEGATION_ENDS = _words("and but because so then please although though yet only just")

# "I do not think that" negates a whole clause.
OPINIONS = _words("think believe feel say mean expect suppose consider")

# "Urgent: no".
DENIALS = _words("no nope false none n")

# Words that begin a question for information.
QUESTIONS = _words("how what what's when where where's why which who whom whose")

# What is to be documented is not to be done.
DOCUMENTING = _words("document documents documenting documented")

# Words that begin a condition.
CONDITIONS = _words("if unless whether")

# Words that begin a circumstance, in which nothing is asked for.
CIRCUMSTANCES = _words(
    """
    when whenever once after before while until by without since although though
    """
)

# Words of steps to reproduce, and of expected against actual.
STEPS = _words("reproduce reproduction repro expected actual expect")

# Words before a value.
BEFORE_VALUE = _words("to of at by is be default max maximum least most from than")

# Words beside a name, which say that it is one.
NAMING = _words(
    """
    gate gates flag flags feature features capability capabilities featuregate
    featuregates feature-gate feature-gates
    """
)

# Names that are ordinary words too, and are meant only beside a word of naming.
ORDINARY = _words("none na all any other others default system test true false yes no")

# Words before the verb that ask for it.
POLITE = _words(
    """
    please pls kindly hi hello hey dear team we i you can could would d we'd i'd like want
    wish need to request requesting fix feat chore just
    """
)

# Words around a name that say what it is.
KINDS = _words(
    """
    the our this a an capability capabilities feature features gate gates flag flags
    featuregate feature-gate feature-flag
    """
)

# Words before a verb that leave in doubt whether it asks for anything.
DOUBTFUL_TAGS = (
    CONDITIONS
    | CIRCUMSTANCES
    | QUESTIONS
    | NEGATORS
    | _words("re fwd fw to for docs doc test tests bug revert rfc discussion example maybe or")
)
