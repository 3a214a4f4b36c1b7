"""Audits a settled ledger against its raw inputs, with DuckDB, pandas, pyarrow and plain Python.

    python audit.py OUTPUT JOB VERIFY_JSON

OUTPUT: the output directory. JOB: the job file it was settled with (its `output` is not read). VERIFY_JSON: what
`nightbill verify OUTPUT --all --output json` printed. Ends with 1 when anything does not hold, and names it.
"""

import json
import sys
from pathlib import Path

import files
import laws
import metering
import rules
import views
from night import Audit, Night


def audited(output, job, verified):
    audit, night = Audit(), Night(output, job)
    files.check(audit, night)
    laws.check(audit, night)
    metering.check(audit, night)
    rules.check(audit, night)
    views.check(audit, night, json.loads(Path(verified).read_text()))
    return audit


def main(output, job, verified):
    audit = audited(output, job, verified)
    for failure in audit.failures:
        print(failure)
    print(f"{audit.held} held, {len(audit.failures)} did not")
    return 1 if audit.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
