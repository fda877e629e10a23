"""The chart of the benchmark: for every job, how many times the CPU time and memory of Marquetry DuckDB takes."""

import json

WIDTH, LEFT, BAR, GAP, TOP = 760, 150, 16, 22, 64
COLOURS = {"cpu_s": "#3b6ea5", "peak_mb": "#9bb8d3"}
# Keeps a figure readable where it lies upon the line.
HALO = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
NAMES = {"cpu_s": "CPU time", "peak_mb": "peak memory"}


def draw(results):
    """Writes `benchmark.svg`, of the largest size that was measured in full."""
    measured = [json.loads(file.read_text(encoding="utf-8")) for file in results.glob("[0-9]*.json")]
    whole = [record for record in measured if any(row["job"] == "all" for row in record["jobs"])]
    if not whole:
        return
    record = max(whole, key=lambda record: record["people"])
    (results / "benchmark.svg").write_text(svg(record), encoding="utf-8")


def svg(record):
    """One bar for each job and measure; the line at 1 is where both sides take the same."""
    rows = record["jobs"]
    most = max(2.0, *(row["ratio"][key] for row in rows for key in COLOURS))
    scale = (WIDTH - LEFT - 70) / most
    height = TOP + len(rows) * (2 * BAR + GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" '
        f'font-size="13" role="img" aria-label="What DuckDB takes, as a multiple of what Marquetry takes">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="600">What DuckDB takes, as a multiple of Marquetry</text>',
        f'<text x="16" y="44" fill="#555">{record["people"]:,} people, {record["threads"]} threads; '
        "longer is better for Marquetry</text>",
        legend(),
    ]
    one = LEFT + scale
    parts.append(f'<line x1="{one:.1f}" y1="{TOP - 8}" x2="{one:.1f}" y2="{height - 26}" stroke="#b3261e" stroke-dasharray="4 3"/>')
    for at, row in enumerate(rows):
        y = TOP + at * (2 * BAR + GAP)
        name = "all in one run" if row["job"] == "all" else row["job"]
        parts.append(f'<text x="{LEFT - 10}" y="{y + BAR + 5}" text-anchor="end">{name}</text>')
        for line, key in enumerate(COLOURS):
            ratio, top = row["ratio"][key], y + line * BAR
            parts.append(f'<rect x="{LEFT}" y="{top}" width="{ratio * scale:.1f}" height="{BAR - 2}" fill="{COLOURS[key]}"/>')
            parts.append(f'<text x="{LEFT + ratio * scale + 6:.1f}" y="{top + 12}" fill="#333" {HALO}>{ratio:.2f}×</text>')
    parts.append(f'<text x="{one:.1f}" y="{height - 10}" text-anchor="middle" fill="#b3261e">the same</text>')
    return "\n".join([*parts, "</svg>", ""])


def legend():
    made = []
    for at, (key, colour) in enumerate(COLOURS.items()):
        x = WIDTH - 250 + at * 110
        made.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="44">{NAMES[key]}</text>')
    return "".join(made)
