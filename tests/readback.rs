//! Published tables read by engines that are not ours: PyPI `deltalake` for Delta tables, DuckDB for
//! Parquet files. `MARQUETRY_READBACK_PYTHON` names a Python that has both; `.ci/run` sets it.

use std::fs;
use std::process::Command;

use crate::support::cli::Project;

const SCRIPT: &str = r#"
import json, sys
summary, form = json.load(open(sys.argv[1])), sys.argv[2]
for table in summary["tables"]:
    place = table["location"].removeprefix("file://")
    if form == "delta":
        from deltalake import DeltaTable
        read = DeltaTable(place)
        rows = read.to_pyarrow_table().num_rows
        protocol = read.protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2), protocol
        assert read.metadata().description, table["name"]
        assert all(field.metadata.get("comment") for field in read.schema().fields), table["name"]
    else:
        import duckdb
        manifest = json.load(open(place + "/manifest.json"))
        files = [place + "/" + file["path"] for file in manifest["files"]]
        assert all(column["description"] for column in manifest["columns"]), table["name"]
        rows = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchall()[0][0]
    assert rows == table["rows"], (table["name"], rows, table["rows"])
print(len(summary["tables"]))
"#;

#[test]
fn other_engines_read_what_was_published() {
    let Some(python) = std::env::var_os("MARQUETRY_READBACK_PYTHON") else {
        println!("skipped: MARQUETRY_READBACK_PYTHON does not name a Python with deltalake and duckdb");
        return;
    };
    for (target, form) in [("local", "delta"), ("parquet", "parquet")] {
        let project = Project::sample();
        let done = project.publish(&["--target", target]).exits(0);
        let summary = project.path().join("summary.json");
        fs::write(&summary, done.json().to_string()).unwrap();
        let output = Command::new(&python).args(["-c", SCRIPT]).arg(&summary).arg(form).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42", "{form}: {error}");
    }
}
