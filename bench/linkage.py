#!/usr/bin/env python3
"""Probabilistic matching beside Splink on DuckDB: the same records, the same blocking, both learn their weights.

    python3 bench/linkage.py --people 100000 --records 100000

Takes the records of the sample company's people, cleans them once for both sides, and measures whole processes: CPU
and wall time, peak memory, pairs compared a second. The two weigh fields a little differently, so their clusters are
not compared with each other but with the truth that the sample company comes with: pairwise precision, recall and F1.
Writes `bench/results/linkage-<records>.json`. Nothing fails on a time.
"""

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path

import run as bench

HERE = Path(__file__).resolve().parent
BLOCKS = [
    ["email"],
    ["phone"],
    ["first_name", "last_name", "country"],
    ["domain", "last_name"],
    ["substr(email, 1, 8)", "domain"],
]
RECORDS = """
COPY (
  WITH truth AS (
    SELECT system, record_id, "table", person_number FROM read_parquet('$EXTRACTS/truth/record/*.parquet')
    WHERE "table" IN ('lead', 'contact')),
  people AS (
    SELECT person_number, sum(count(*)) OVER (ORDER BY person_number) AS records FROM truth GROUP BY person_number),
  raw AS (
    SELECT 'salesforce' AS system, 'contact' AS "table", * FROM read_parquet('$TABLES/sf_contacts.parquet')
    UNION ALL BY NAME
    SELECT 'salesforce' AS system, 'lead' AS "table", * FROM read_parquet('$TABLES/sf_leads.parquet')
    UNION ALL BY NAME
    SELECT 'hubspot' AS system, 'contact' AS "table", * FROM read_parquet('$TABLES/hubspots.parquet')),
  clean AS (
    SELECT *, lower(trim(email)) AS address,
           nullif(split_part(regexp_replace(lower(trim(domain)), '^(https?://)?(www\\.)?', ''), '/', 1), '') AS host
    FROM raw)
  SELECT r.system || ':' || r.id AS unique_id, address AS email,
         nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '') AS phone,
         lower(strip_accents(trim(first_name))) AS first_name, lower(strip_accents(trim(last_name))) AS last_name,
         coalesce(host, nullif(split_part(address, '@', 2), '')) AS domain, upper(trim(country)) AS country,
         t.person_number AS person
  FROM clean AS r
  JOIN truth AS t ON t.system = r.system AND t."table" = r."table" AND t.record_id = r.id
  JOIN people AS p USING (person_number)
  WHERE p.records <= $COUNT
  ORDER BY unique_id
) TO '$OUT/records.parquet' (FORMAT parquet);
SELECT count(*) FROM read_parquet('$OUT/records.parquet')"""
QUALITY = """
WITH named AS (SELECT c.cluster, r.person FROM ($CLUSTERS) AS c JOIN read_parquet('$TABLES/records.parquet') AS r
               ON r.unique_id = c.record),
pairs AS (
  SELECT (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM named GROUP BY cluster, person)) AS found,
         (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM named GROUP BY cluster)) AS made,
         (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM named GROUP BY person)) AS real)
SELECT found / made, found / real, 2 * found / (made + real) FROM pairs"""


def main():
    options = arguments()
    if options.splink:
        return splink(options.splink)
    bench.in_environment(options.cache, __file__)
    binary = options.binary or bench.build()
    tables = bench.data(binary, options)
    place = tables.parent / f"linkage-{options.records}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    text = RECORDS.replace("$EXTRACTS", str(tables.parent / "extracts")).replace("$COUNT", str(options.records))
    [[records]] = bench.answer(text, tables, place)
    made = {"records": records, "marquetry": ours(binary, place, options.repeats)}
    files = f"read_parquet('{place}/out/linked_crosswalk/**/*.parquet', hive_partitioning = false)"
    judge("marquetry", f"SELECT record_id AS record, person_id AS cluster FROM {files}", place, made)
    if not options.alone:
        command = [sys.executable, __file__, "--splink", place]
        made["splink"] = median([bench.run(command) for _ in range(options.repeats)])
        # The same blocking makes the same pairs.
        made["splink"]["pairs"] = made["marquetry"]["pairs"]
        judge("splink", f"SELECT unique_id AS record, cluster_id AS cluster FROM '{place}/splink.parquet'", place, made)
    text = json.dumps(made, indent=2)
    (HERE / "results" / f"linkage-{options.records}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=100_000, help="people in the sample company")
    parser.add_argument("--records", type=int, default=100_000, help="records to be matched, at most")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side; the median counts")
    parser.add_argument("--alone", action="store_true", help="without Splink")
    parser.add_argument("--binary", type=Path, help="the program to measure; built from here where unset")
    parser.add_argument("--cache", type=Path, default=bench.ROOT / "target" / "bench", help="where data lies")
    parser.add_argument("--splink", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def median(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def judge(side, clusters, place, made):
    """Pairwise precision, recall and F1, and how many pairs a second were compared."""
    [quality] = bench.answer(QUALITY.replace("$CLUSTERS", clusters), place, place)
    made[side] |= dict(zip(["precision", "recall", "f1"], (round(float(value), 4) for value in quality)))
    made[side]["pairs_per_s"] = round(made[side]["pairs"] / made[side]["wall_s"])


def ours(binary, place, repeats):
    """A whole run: read, train, match, cluster, write, check, publish; and the pairs that its record tells of."""
    out = place / "out"
    runs = []
    for _ in range(repeats):
        shutil.rmtree(out, ignore_errors=True)
        command = [binary, "--project", HERE / "linkage", "run", "--threads", str(bench.THREADS)]
        command += ["--as-of", "2026-07-01T00:00:00Z"]
        runs.append(bench.run(command, BENCH_TABLES=str(place), BENCH_OUT=str(out)))
    return median(runs) | {"pairs": pairs_compared(out)}


def pairs_compared(out):
    """As the dictionary beside the tables tells it."""
    dictionary = json.loads((out / "_dictionary" / "dictionary.json").read_text(encoding="utf-8"))
    facts = (fact for table in dictionary["tables"] for fact in table["facts"])
    return next(fact["rows"] for fact in facts if fact["item"] == "pairs_compared")


def splink(place):
    """Splink's side, a process of its own."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    import duckdb

    session = duckdb.connect()
    session.execute(f"SET threads = {bench.THREADS}")
    columns = "unique_id, email, phone, first_name, last_name, domain, country"
    records = session.execute(f"SELECT {columns} FROM read_parquet('{place}/records.parquet')").df()
    usual = [0.92, 0.8]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("first_name", usual),
            cl.JaroWinklerAtThresholds("last_name", usual).configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("domain").configure(term_frequency_adjustments=True),
            cl.ExactMatch("country"),
        ],
        blocking_rules_to_generate_predictions=[block_on(*block) for block in BLOCKS],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    api = DuckDBAPI(connection=session)
    linker = Linker(api.register(records), settings)
    training = linker.training
    sure = [block_on("email"), block_on("phone", "last_name")]
    training.estimate_probability_two_random_records_match(sure, recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=2e6)
    training.estimate_parameters_using_expectation_maximisation(block_on("email"))
    training.estimate_parameters_using_expectation_maximisation(block_on("phone"))
    likely = linker.inference.predict(threshold_match_probability=0.9)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(likely, threshold_match_probability=0.95)
    session.sql(f"SELECT unique_id, cluster_id FROM {clusters.physical_name}").write_parquet(f"{place}/splink.parquet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
