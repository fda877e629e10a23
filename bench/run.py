#!/usr/bin/env python3
"""Marquetry beside the best DuckDB SQL we know, on data of `marquetry sample`.

    python3 bench/run.py --people 100000

Builds the release binary, makes the data, runs every job on both sides, compares the tables row by row, and only
then measures: CPU time (user and system), wall time and peak memory of whole processes, each side in turn, medians.
The floor is DuckDB's scan of the columns that must be read plus its write of the finished table from memory.
Last comes the sample project over all extracts, beside a mere copy of them.
Prints a table and writes `bench/results/<people>.json`; `--chart` draws `bench/results/benchmark.svg` of all sizes.
It needs Python 3.11 and makes a virtual environment of its own for the rest.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGES = ["duckdb==2.0.0", "pandas", "pytz", "pyyaml==6.0.3", "splink==5.0.0"]
THREADS = 2
# At most about so many rows of either table are held as text at once while they are compared.
PART_ROWS = 20_000_000
# The touches of about so many people are numbered at once.
SLICE_PEOPLE = 1_000_000


def main():
    options = arguments()
    in_environment(options.cache)
    sys.path.insert(0, str(HERE))
    from jobs import JOBS

    if options.side:
        return side(options, JOBS)
    if not options.chart_only:
        binary = options.binary or build()
        tables = data(binary, options)
        jobs = [JOBS[name] for name in options.jobs.split(",")] if options.jobs else list(JOBS.values())
        rows = []
        for job in jobs:
            rows.append(measured(job, binary, tables, options))
            save(rows, options, None)
        sample = None
        if len(jobs) == len(JOBS):
            rows.append(measured_whole(jobs, binary, tables, options))
            save(rows, options, None)
            sample = measured_sample(binary, tables.parent, options)
            save(rows, options, sample)
        show(rows, sample)
    from chart import draw

    draw(HERE / "results")
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=100_000, help="people in the sample company")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side; the median counts")
    parser.add_argument("--jobs", help="only these, separated by commas")
    parser.add_argument("--binary", type=Path, help="the program to measure; built from here where unset")
    parser.add_argument("--cache", type=Path, default=ROOT / "target" / "bench", help="where data and tables lie")
    parser.add_argument("--chart-only", action="store_true", help="draw the chart of what was measured before")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--tables", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_environment(cache, script=__file__):
    """Goes on in a virtual environment that has DuckDB and Splink, made where it is not there."""
    venv = cache.resolve() / "venv"
    if Path(sys.prefix) == venv:
        return
    python = venv / "bin" / "python"
    stamp = venv / "packages"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != str(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text(str(PACKAGES), encoding="utf-8")
    os.execv(python, [python, script, *sys.argv[1:]])


def build():
    """The release binary."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "marquetry"


def data(binary, options):
    """The sample company's extracts, brought into plain tables."""
    place = options.cache.resolve() / f"people-{options.people}"
    tables = place / "tables"
    if not (tables / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        tables.mkdir(parents=True)
        extracts = place / "extracts"
        people = ["--people", str(options.people), "--seed", "1"]
        subprocess.run([binary, "sample", *people, "--out", extracts], check=True, stdout=subprocess.DEVNULL)
        answer(table_statements(options.people).replace("$EXTRACTS", str(extracts)), tables, tables)
        for part in tables.glob("touches-*.parquet"):
            part.unlink()
        (tables / "done").touch()
    return tables


def table_statements(people):
    """The statements that bring the extracts into tables; of so many people, touches in slices of time."""
    every, one = ((HERE / "duckdb" / f"{name}.sql").read_text(encoding="utf-8") for name in ("tables", "touches"))
    slices = max(1, people // SLICE_PEOPLE)
    touches = "\n".join(one.replace("$SLICE", str(number)) for number in range(slices))
    files = ", ".join(f"'$TABLES/touches-{number}.parquet'" for number in range(slices))
    return every.replace("$SLICES", str(slices)).replace("$TOUCHES", touches).replace("$TOUCH_FILES", files)


def side(options, jobs):
    """A process of DuckDB's side: the jobs of `--side` in order, or the statements of standard input.

    DuckDB never runs in the process that measures: a child's peak memory starts from that of its parent.
    """
    import duckdb

    session = duckdb.connect()
    session.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'; SET preserve_insertion_order = false").fetchall()
    session.execute(f"SET temp_directory = '{options.cache.resolve() / 'spill'}'").fetchall()
    for name in options.side.split(","):
        text = sys.stdin.read() if name == "-" else jobs[name].sql()
        text = text.replace("$TABLES", options.tables).replace("$OUT", options.out)
        for statement in duckdb.extract_statements(text):
            rows = session.execute(statement).fetchall()
    print(json.dumps(rows))
    return 0


def side_command(names, tables, out):
    cache = sys.prefix.removesuffix("/venv")
    return [sys.executable, __file__, "--cache", cache, "--side", ",".join(names), "--tables", tables, "--out", out]


def answer(text, tables, out):
    """The rows that the last of some statements gives."""
    command = list(map(str, side_command(["-"], tables, out)))
    done = subprocess.run(command, input=text.encode(), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def run(command, text="", **environment):
    """What a process cost: seconds of CPU and wall, peak memory in MB."""
    started = time.perf_counter()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    child = subprocess.Popen(list(map(str, command)), env={**os.environ, **environment}, **pipes)
    child.stdin.write(text.encode())
    child.stdin.close()
    errors = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{errors.decode()}")
    wall = time.perf_counter() - started
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}


def ours(binary, names, tables, out):
    """A whole run: compute, check, digest, profile, publish, document."""
    select = [part for name in names for part in ("--select", name)]
    command = [binary, "--project", HERE, "run", *select, "--as-of", "2026-07-01T00:00:00Z"]
    return run([*command, "--threads", str(THREADS)], BENCH_TABLES=str(tables), BENCH_OUT=str(out))


def theirs(names, tables, out):
    out.mkdir(parents=True, exist_ok=True)
    return run(side_command(names, tables, out))


def measured(job, binary, tables, options):
    """Both sides of one job, once they agree."""
    place = tables.parent
    mine, other = place / "marquetry", place / "duckdb"
    for earlier in (*job.after, job.name):
        ours(binary, [earlier], tables, mine)
        theirs([earlier], tables, other)
    rows = sum(agree(table, mine, other) for table in job.tables)
    floor = [floor_of(job, tables, other) for _ in range(options.repeats)]
    pairs = [(ours(binary, [job.name], tables, mine), theirs([job.name], tables, other)) for _ in range(options.repeats)]
    return {"job": job.name, "rows": rows, **medians(pairs), "floor_cpu_s": statistics.median(floor)}


def measured_whole(jobs, binary, tables, options):
    """All jobs in one run on either side."""
    place, names = tables.parent, [job.name for job in jobs]
    pairs = []
    for _ in range(options.repeats):
        pairs.append((ours(binary, names, tables, place / "whole"), theirs(names, tables, place / "duckdb")))
    return {"job": "all", **medians(pairs)}


def measured_sample(binary, place, options):
    """The sample project over all extracts, and what it takes merely to read the same bytes and write them again."""
    extracts, copy = place / "extracts", place / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    sources = sorted({file.parent for file in extracts.rglob("*.parquet")})
    copies = ";\n".join(
        f"COPY (SELECT * FROM read_parquet('{folder}/*.parquet', hive_partitioning = false)) "
        f"TO '{copy / '_'.join(folder.relative_to(extracts).parts)}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        for folder in sources
        if "truth" not in folder.parts
    )
    command = [binary, "--project", ROOT, "run", "--as-of", "2026-07-01T00:00:00Z", "--location", place / "sample"]
    sizes = sum(file.stat().st_size for file in extracts.rglob("*.parquet") if "truth" not in file.parts)
    pairs = []
    for _ in range(options.repeats):
        whole = run([*command, "--threads", str(THREADS)], MARQUETRY_SAMPLE=str(extracts))
        pairs.append((whole, run(side_command(["-"], place, copy), copies)))
    shutil.rmtree(copy)
    made = medians(pairs)
    return {"read_mb": sizes / 1e6, "marquetry": made["marquetry"], "copy": made["duckdb"]}


def medians(pairs):
    """Medians of both sides, and the median of the ratios of runs that followed each other."""
    made = {}
    for at, who in enumerate(["marquetry", "duckdb"]):
        made[who] = {key: statistics.median(pair[at][key] for pair in pairs) for key in pairs[0][at]}
    made["ratio"] = {key: statistics.median(b[key] / a[key] for a, b in pairs) for key in pairs[0][0]}
    return made


def agree(table, mine, other):
    """Rows in the table; ends the benchmark where the two sides do not have the same ones.

    Large tables are compared part by part: a row is in the part that its hash names, on either side.
    """
    [[rows]] = answer(f"SELECT count(*) FROM read_parquet('{other / table.name}.parquet')", other, other)
    parts = 1 + rows // PART_ROWS
    return sum(agree_in_part(table, mine, other, part, parts) for part in range(parts))


def agree_in_part(table, mine, other, part, parts):
    """The same of one part."""
    texts = (
        "CREATE TEMP TABLE {} AS SELECT * FROM (SELECT COLUMNS(*)::VARCHAR FROM (SELECT {} FROM read_parquet({}) "
        f"WHERE {{}})) line WHERE hash(line) % {parts} = {part}"
    )
    load = [
        texts.format("ours", table.ours, files(mine / table.name), table.only),
        texts.format("theirs", table.theirs, f"'{other / table.name}.parquet'", "true"),
    ]
    apart = "FROM {} EXCEPT ALL FROM {}"
    lost, made = apart.format("theirs", "ours"), apart.format("ours", "theirs")
    counts = f"SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM ({lost})), (SELECT count(*) FROM ({made}))"
    [[rows, lacking, surplus]] = answer(";\n".join([*load, counts]), other, other)
    if lacking or surplus:
        examples = f"SELECT 'DuckDB has', * FROM ({lost} LIMIT 3) UNION ALL SELECT 'we have', * FROM ({made} LIMIT 3)"
        shown = "\n".join(map(str, answer(";\n".join([*load, examples]), other, other)))
        sys.exit(f"{table.name}: of {rows} rows {surplus} are not DuckDB's, and {lacking} of its rows are missing\n{shown}")
    return rows


def files(table):
    """The files of the published table, as its manifest lists them."""
    manifest = json.loads((table / "manifest.json").read_text(encoding="utf-8"))
    return [str(table / file["path"]) for file in manifest["files"]]


def floor_of(job, tables, other):
    """Seconds of CPU for the scan of what must be read and the write of the finished table from memory."""
    made = [name for name in job.after if (other / f"{name}.parquet").exists()]
    scans = [
        # A plain count comes from the footer, and `min` compares long texts.
        "SELECT " + ", ".join(f"count(*) FILTER ({column} IS NOT NULL)" for column in columns.split(", "))
        + f" FROM read_parquet('{(other if name in made else tables) / name}.parquet')"
        for name, columns in job.reads
    ]
    load = [
        f"CREATE TEMP TABLE {table.name} AS SELECT * FROM read_parquet('{other / table.name}.parquet')"
        for table in job.tables
    ]
    save = [f"COPY {table.name} TO '{other / 'floor.parquet'}' (FORMAT parquet, COMPRESSION snappy)" for table in job.tables]
    command, both = side_command(["-"], tables, other), [*scans, *load, *save]
    return run(command, ";\n".join(both))["cpu_s"] - run(command, ";\n".join(load))["cpu_s"]


def save(rows, options, sample):
    """The figures so far, as JSON beside those of other sizes; where only some jobs are run, those of the others stay."""
    path = HERE / "results" / f"{options.people}.json"
    path.parent.mkdir(exist_ok=True)
    if options.jobs and path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        measured_now = {row["job"] for row in rows}
        rows = [row for row in earlier["jobs"] if row["job"] not in measured_now] + rows
        sample = earlier["sample_project"]
    record = {"people": options.people, "repeats": options.repeats, "threads": THREADS, "jobs": rows, "sample_project": sample}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def show(rows, sample):
    """The figures as a table on the terminal."""
    print("| job | rows | Marquetry CPU s | DuckDB CPU s | DuckDB / Marquetry | floor CPU s | wall s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        a, b = row["marquetry"], row["duckdb"]
        print(
            f"| {row['job']} | {row.get('rows', '')} | {a['cpu_s']:.2f} | {b['cpu_s']:.2f} | {row['ratio']['cpu_s']:.2f} "
            f"| {row.get('floor_cpu_s', 0):.2f} | {a['wall_s']:.2f} / {b['wall_s']:.2f} | {a['peak_mb']:.0f} / {b['peak_mb']:.0f} |"
        )
    if sample:
        print(f"\nthe sample project over {sample['read_mb']:.0f} MB of extracts, and a mere copy of them:")
        for who in ("marquetry", "copy"):
            cost = sample[who]
            print(f"  {who:<10} {cost['cpu_s']:.2f} CPU s, {cost['wall_s']:.2f} s, {cost['peak_mb']:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
