"""A worker that ignores leases: however long it was paused, it then reports its present step.

`python -m tests.support.paused_worker ADDRESS TOKEN` reads commands as lines of JSON, and prints
its results as lines of JSON:

  {"do": "work", "until": k}   claim a job, report its first k steps, print {"at_work": job}, and
                               wait at step k for SIGCONT; then do the same as for "insist"
  {"do": "insist"}             report step k and complete the job, and print
                               {"responses": [[status, code], …]}

After a claim, the worker first sends one report under the execution token of its previous job. The
line `at_work` says what the site answered: {"under_old_token": [status, code]}.
"""

from __future__ import annotations

import datetime as dt
import json
import signal
import sys
import time
import urllib.error
import urllib.request
from typing import Any

Answer = tuple[int, Any]


class Worker:
    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token
        self.job: dict[str, Any] = {}
        self.step = 0
        self.woken = False
        signal.signal(signal.SIGCONT, self.wake_up)

    def wake_up(self, *_: Any) -> None:
        self.woken = True

    def work(self, until: int) -> None:
        old_token = self.job.get("execution_token", "a token of another job")
        self.job = self.claim()
        under_old_token = self.report(0, old_token)
        for self.step in range(until):
            status, answer = self.report(self.step, self.job["execution_token"])
            assert status == 201, answer
        self.step, self.woken = until, False
        say(at_work=self.job["id"], under_old_token=status_and_code(under_old_token))
        while not self.woken:
            time.sleep(0.005)
        self.insist()

    def insist(self) -> None:
        token = self.job["execution_token"]
        responses = [
            self.report(self.step, token),
            self.post(f"jobs/{self.job['id']}/complete/", execution_token=token),
        ]
        say(responses=[status_and_code(each) for each in responses])

    def claim(self) -> dict[str, Any]:
        while True:
            status, job = self.post("jobs/claim/")
            if status == 200:
                return dict(job)
            assert status == 204, job
            time.sleep(0.05)

    def report(self, step_index: int, token: str) -> Answer:
        now = dt.datetime.now(dt.UTC).isoformat()
        return self.post(
            f"jobs/{self.job['id']}/results/",
            execution_token=token,
            step_index=step_index,
            status="COMPLETED",
            started_at=now,
            completed_at=now,
            output={"done": True},
        )

    def post(self, path: str, **body: Any) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - the address is a test's own site
            f"{self.address}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read())


def status_and_code(answer: Answer) -> list[Any]:
    status, document = answer
    return [status, document.get("code")]


def say(**words: Any) -> None:
    print(json.dumps(words), flush=True)  # noqa: T201 - standard output is its interface


def main() -> None:
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "work":
            worker.work(order["until"])
        else:
            worker.insist()


if __name__ == "__main__":
    main()
