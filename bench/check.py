#!/usr/bin/env python3
"""How long `marquetry check` takes: on the sample project, and on one of a thousand models.

    python3 bench/check.py --models 1000

Builds the release program, adds so many models to a copy of the sample project (a tenth read an extract, the others
the model before them; each with expressions, described columns and checks), and prints medians of wall and CPU time of
whole processes. Nothing fails on a time. It needs Python 3.11.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from run import ROOT, build, run

PARTS = ["marquetry.yml", "models", "schemas", "seeds", "sample_data"]
FIRST = "SELECT id, lower(email) AS email, country, created_date AS at FROM salesforce_lead"
NEXT = "SELECT id, email, upper(country) AS country, at + INTERVAL '1 day' AS at FROM {before} WHERE country <> 'XX'"
MODEL = """model: {name}
description: One of many.
grain: [id]
columns:
  email: {{description: The address in small letters., pii: direct}}
  country: The country.
  at: When it was.
sql: |
  {query}
checks:
  - not_null: [id]
  - expression: at > TIMESTAMP '1990-01-01T00:00:00Z'
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=1_000, help="models to add to the sample project's")
    parser.add_argument("--repeats", type=int, default=9, help="runs of each; the median counts")
    parser.add_argument("--binary", type=Path, help="the program to measure; built from here where unset")
    options = parser.parse_args()
    binary = (options.binary or build()).resolve()
    with tempfile.TemporaryDirectory() as place:
        project = Path(place)
        for part in filter(lambda part: (ROOT / part).exists(), PARTS):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, project / part)
        measured("the sample project", binary, project, options.repeats)
        generate(project, options.models)
        measured(f"with {options.models:,} models more", binary, project, options.repeats)


def generate(project, models):
    folder = project / "models" / "many"
    folder.mkdir()
    for number in range(models):
        query = FIRST if number % 10 == 0 else NEXT.format(before=f"many_{number - 1}")
        text = MODEL.format(name=f"many_{number}", query=query)
        (folder / f"many_{number}.yml").write_text(text, encoding="utf-8")


def measured(what, binary, project, repeats):
    command = [binary, "--project", project, "check"]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1])
    costs = [run(command) for _ in range(repeats)]
    wall, cpu = (statistics.median(cost[figure] for cost in costs) for figure in ("wall_s", "cpu_s"))
    print(f"{what}: {wall:.3f} s, {cpu:.3f} CPU s")


if __name__ == "__main__":
    main()
