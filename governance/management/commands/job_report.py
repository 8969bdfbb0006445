"""Show everything about a job and its contract on one page: proposal, verdicts, signatures, steps
with their results, observations, health, the audit and its checks, evidence, and the ledger, which
is verified anew. Nothing is changed.

With --html the report is written as one HTML file that needs nothing else and can be printed.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from uuid import UUID

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from governance.flows.report_job import report_job
from governance.management.base import GovernanceCommand
from governance.management.files import write_file
from governance.management.report_text import report_lines
from governance.management.values import parse_id

STYLE_SHEET = "governance/report.css"


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "job_report 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11",
        "job_report 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --html report.html",
        "job_report 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --json",
    )
    exit_codes = {1: "there is no such job, or the file exists or cannot be written"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")
        parser.add_argument("--html", metavar="FILE", help="Also write the report to this file.")
        parser.add_argument("--force", action="store_true", help="Overwrite the file if it exists.")

    def run(self, *, job: UUID, html: str | None, force: bool) -> None:
        report = report_job(job)
        if html:
            style = Path(str(finders.find(STYLE_SHEET))).read_text(encoding="utf-8")
            page = render_to_string("job_report.html", {"report": report, "style": style})
            write_file(Path(html), page.encode(), force=force)
        self.report(report, *report_lines(report))
