"""`python -m tests.benchmarks.validator FILE --registry FILE`: quality inside folds.

For each of five seeds the labelled reports are split into five stratified folds. The table is
fitted to four of them and tested on the fifth, and so is the baseline, TF-IDF with a linear SVM.
`--fit` prints what the fitting makes of each indicator with all reports, `--words` which reports
have each indicator that no rule names.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from governance.authorities.validator.analysis import analyse_report
from governance.authorities.validator.evaluation import LabelAgreement
from governance.authorities.validator.indicators import indicator_table
from tests.benchmarks.validator.baseline import SEEDS, folds_of, svm_macro_f1
from tests.benchmarks.validator.fitting import (
    Example,
    Level,
    fitted_levels,
    key_of,
    severity_agreement,
    type_agreement,
)

Scored = Callable[[Sequence[tuple[Example, tuple[str, str]]]], LabelAgreement]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.validator", description=__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--words", action="store_true")
    options = parser.parse_args(argv)

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "govsite.settings")
    import django

    django.setup()
    from governance.management.jsonl import open_input, read_lines
    from governance.management.reports import labelled_report, names_to_compare

    registry = names_to_compare(options.registry)
    with open_input(str(options.file)) as file:
        labelled = [labelled_report(line) for line in read_lines(file)]
    examples = [Example(one, analyse_report(one.report, registry=registry)) for one in labelled]
    if options.fit:
        for (group, name), level in fitted_levels(examples, indicator_table()).items():
            if level is not Level.KEPT:
                print(f"{level:<10} {group}: {name}")
        return 0
    if options.words:
        for line in _reports_by_words(examples):
            print(line)
        return 0
    severe = [one for one in examples if one.is_for_severity]
    _compare("issue_type", examples, [one.labelled.issue_type for one in examples], type_agreement)
    _compare("severity", severe, [one.labelled.severity for one in severe], severity_agreement)
    return 0


def _reports_by_words(examples: Sequence[Example]) -> Iterator[str]:
    """Yield a Markdown row for each indicator that no rule names, with the reports that have it."""
    for indicator in indicator_table().indicators:
        if indicator.is_rule:
            continue
        having = [
            (one.labelled.key, one.analysis.read.counted[key_of(indicator)].written)
            for one in examples
            if key_of(indicator) in one.analysis.read.counted
        ]
        words = sorted({written.casefold() for _, written in having})
        keys = sorted(key for key, _ in having)
        shown = ", ".join(f'"{one}"' for one in words[:4]) or indicator.name[:40]
        more = ", …" if len(keys) > 6 else ""
        yield f"| {indicator.speaks_for} | {shown} | {', '.join(keys[:6]) or '–'}{more} |"


def _compare(what: str, examples: Sequence[Example], labels: Sequence[str], scored: Scored) -> None:
    texts = [f"{one.labelled.report.subject}\n{one.labelled.report.body}" for one in examples]
    ours, baseline = [], []
    for seed in SEEDS:
        tested: list[tuple[Example, tuple[str, str]]] = []
        for training, test in folds_of(labels, seed):
            levels = fitted_levels([examples[one] for one in training], indicator_table())
            tested += [(examples[one], examples[one].finding(levels)) for one in test]
        ours.append(scored(tested).macro_f1)
        baseline.append(svm_macro_f1(texts, labels, seed))
        print(f"{what} seed {seed}: ours {ours[-1]:.3f}, linear SVM {baseline[-1]:.3f}", flush=True)
    print(f"{what}: ours {mean(ours):.3f}, linear SVM {mean(baseline):.3f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
