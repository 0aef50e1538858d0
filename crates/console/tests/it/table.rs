//! Tables: the original's captures drawn again from the data it had.

use std::borrow::Borrow;
use std::cell::Cell;
use std::io::{self, Write};

use console::human::bytes;
use console::table::{Column, Kind, Style, list, object};
use serde_json::{Value, json};

use crate::fixtures;

const UTF8: Style = Style {
    border: true,
    header: true,
    utf8: true,
    columns_max: None,
    terminal: false,
};

fn capture_json(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&fixtures::output(name)?).expect("capture is JSON"))
}

fn files(value: &Value, _: &Value) -> String {
    let mut names: Vec<_> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| file.as_str().or(file["filename"].as_str()))
        .map(|name| {
            name.rsplit_once('.')
                .map_or(name, |(label, _)| label)
                .to_string()
        })
        .collect();
    names.sort();
    names.join(" ")
}

fn path(record: &Value, time_key: Option<&str>) -> String {
    let mut text = format!(
        "{}/{}",
        record["backup-type"]
            .as_str()
            .expect("fixture has the field"),
        record["backup-id"].as_str().expect("fixture has the field")
    );
    if let Some(key) = time_key {
        text += &format!(
            "/{}",
            jiff::Timestamp::from_second(record[key].as_i64().expect("fixture has the field"))
                .expect("fixture has the field")
        );
    }
    text
}

#[test]
fn list_of_groups() {
    let Some(records) = capture_json("list-json.txt") else {
        return;
    };
    let columns = [
        Column::text("backup-id")
            .header("group")
            .render(|_, record| path(record, None)),
        Column::number("last-backup")
            .header("last snapshot")
            .left()
            .render(|_, record| path(record, Some("last-backup"))),
        Column::number("backup-count"),
        Column::text("files").render(files),
    ];
    let sort = [("backup-type", Kind::Text), ("backup-id", Kind::Text)];
    assert_eq!(
        list(&columns, &sort, records.as_array().unwrap(), UTF8),
        fixtures::output("list.txt").unwrap()
    );
}

#[test]
fn list_of_snapshots() {
    let (Some(expected), Some(text)) = (
        fixtures::output("snapshot-list.txt"),
        fixtures::read("cli/snapshot-list.json"),
    ) else {
        return;
    };
    let records: Vec<Value> = serde_json::from_str(&text).unwrap();
    let columns = [
        Column::text("backup-id")
            .header("snapshot")
            .render(|_, record| path(record, Some("backup-time"))),
        Column::number("size").render(|value, _| bytes(value.as_u64().unwrap_or(0))),
        Column::text("files").render(files),
    ];
    let sort = [
        ("backup-type", Kind::Text),
        ("backup-id", Kind::Text),
        ("backup-time", Kind::Number),
    ];
    assert_eq!(list(&columns, &sort, &records, UTF8), expected);
}

#[test]
fn missing_cells_are_empty() {
    let (Some(expected), Some(text)) = (
        fixtures::output("snapshot-files.txt"),
        fixtures::read("cli/snapshot-files-plain.json"),
    ) else {
        return;
    };
    let mut records: Vec<Value> = serde_json::from_str(&text).unwrap();
    // The capture was made after the log was uploaded, the JSON perhaps before.
    if !records
        .iter()
        .any(|file| file["filename"] == "client.log.blob")
    {
        records.push(json!({"filename": "client.log.blob"}));
    }
    let columns = [
        Column::text("filename"),
        Column::text("crypt-mode"),
        Column::number("size"),
    ];
    assert_eq!(list(&columns, &[], &records, UTF8), expected);
}

#[test]
fn object_with_all_numbers_is_right_aligned() {
    let Some(expected) = fixtures::output("status.txt") else {
        return;
    };
    let record = json!({"total": 270553174016u64, "used": 21184339968u64, "avail": 76388409344u64});
    let total = record["total"].as_u64().unwrap();
    let column = |key| {
        Column::number(key).render(move |value, _| {
            let value = value.as_u64().unwrap();
            format!(
                "{value} {:>8}",
                format!("({} %)", (value + total / 200) * 100 / total)
            )
        })
    };
    let columns = [column("total"), column("used"), column("avail")];
    assert_eq!(
        object(
            &columns,
            &record,
            Style {
                header: false,
                ..UTF8
            }
        ),
        expected
    );
}

#[test]
fn object_view_of_a_key() {
    for name in ["none", "scrypt"] {
        let (Some(expected), Some(text)) = (
            fixtures::read(&format!("keys/{name}.show.txt")),
            fixtures::read(&format!("keys/{name}.show.json")),
        ) else {
            return;
        };
        let record: Value = serde_json::from_str(&text).unwrap();
        let time = |key| {
            Column::number(key).render(|value, _| {
                console::human::ctime(value.as_i64().unwrap(), &jiff::tz::TimeZone::UTC)
            })
        };
        let columns = [
            Column::text("path"),
            Column::text("kdf"),
            time("created"),
            time("modified"),
            Column::text("fingerprint").optional(),
            Column::text("hint").optional(),
        ];
        assert_eq!(object(&columns, &record, UTF8), expected, "{name}");
    }
}

#[test]
fn styles() {
    let records = [
        json!({"name": "app.conf.blob", "n": 21}),
        json!({"name": "é", "n": 9000000}),
    ];
    let columns = [Column::text("name"), Column::number("n").header("size")];
    let cases = [
        (
            "ascii",
            Style {
                utf8: false,
                ..UTF8
            },
            "+===============+=========+\n| name          |    size |\n+===============+=========+\n\
             | app.conf.blob |      21 |\n+---------------+---------+\n| é             | 9000000 |\n+===============+=========+\n",
        ),
        (
            "no header",
            Style {
                header: false,
                ..UTF8
            },
            "┌───────────────┬─────────┐\n│ app.conf.blob │      21 │\n├───────────────┼─────────┤\n\
             │ é             │ 9000000 │\n└───────────────┴─────────┘\n",
        ),
        (
            "no border",
            Style::from_settings(true, false, None, None),
            "app.conf.blob      21\né             9000000\n",
        ),
        (
            "cut",
            Style {
                columns_max: Some(10),
                border: false,
                ..UTF8
            },
            "app.conf.b\né         \n",
        ),
    ];
    for (name, style, expected) in cases {
        assert_eq!(list(&columns, &[], &records, style), expected, "{name}");
    }
    assert_eq!(list(&columns, &[], &[], UTF8), "");
}

#[test]
fn settings() {
    for (locale, utf8) in [
        (None, false),
        (Some("C"), false),
        (Some("POSIX"), false),
        (Some("C.UTF-8"), true),
        (Some("de_DE.utf8"), true),
        (Some("de_DE.UTF-8@euro"), true),
        (Some("de_DE.ISO-8859-1"), false),
    ] {
        assert_eq!(
            Style::from_settings(false, false, locale, None).utf8,
            utf8,
            "{locale:?}"
        );
    }
    let style = Style::from_settings(false, true, None, None);
    assert_eq!((style.border, style.header), (true, false));
}

/// A file's name could erase a terminal's screen, or draw a row of its own. Elsewhere scripts read what there is.
#[test]
fn cells_do_not_steer_a_terminal() {
    let records = [json!({"name": "a\x1b[2J\nb", "note": "one\ntwo\x07"})];
    let columns = [Column::name("name"), Column::text("note")];
    let plain = Style {
        border: false,
        header: false,
        ..UTF8
    };
    for (terminal, expected) in [
        (true, "a\\u{1b}[2J\\nb one     \n              two\\u{7}\n"),
        (false, "a\x1b[2J one \nb     two\x07\n"),
    ] {
        let style = Style { terminal, ..plain };
        assert_eq!(list(&columns, &[], &records, style), expected);
    }
}

#[test]
fn order_and_cells() {
    let records = [
        json!({"k": "b", "n": 10}),
        json!({"k": "a", "n": null}),
        json!({"n": 9, "flag": true}),
        json!({"k": "a\nsecond", "n": 9, "list": [1, {"z": 1, "a": 2}]}),
    ];
    let style = Style {
        border: false,
        header: false,
        ..UTF8
    };
    let columns = [
        Column::text("k"),
        Column::number("n"),
        Column::boolean("flag"),
        Column::text("list"),
    ];
    // Missing text first, missing numbers last.
    let by_number = "        9 1                  \na       9   [1,{\"a\":2,\"z\":1}]\nsecond                       \n\
                     b      10                    \na                            \n";
    assert_eq!(
        list(
            &columns,
            &[("n", Kind::Number), ("k", Kind::Text)],
            &records,
            style
        ),
        by_number
    );
    assert!(list(&columns, &[], &records, style).starts_with("        9 1"));
}

#[test]
fn json_formats() {
    use console::json::{Format, render};
    let value = json!({"b": [1, "x"], "a": {}});
    assert_eq!(
        render(&value, Format::Json).unwrap(),
        "{\"a\":{},\"b\":[1,\"x\"]}\n"
    );
    assert_eq!(
        render(&value, Format::JsonPretty).unwrap(),
        "{\n  \"a\": {},\n  \"b\": [\n    1,\n    \"x\"\n  ]\n}\n"
    );
    assert_eq!(render(&value, Format::Text), None);
    assert_eq!(
        "yaml".parse::<Format>().unwrap_err().to_string(),
        "undefined output format 'yaml'"
    );
}

/// A folder of 200,000 entries once took 450 MB as a table: its records, cells and lines were all there before the first was
/// written. However long a table is, a record lives only while its row is made, and rows leave as they are made.
#[test]
fn rows_are_written_one_by_one() {
    let alive = Cell::new(0_u32);
    let out = Gone::default();
    let made = Cell::new(0_usize);
    let records = (0..20_000).map(|number| {
        alive.set(alive.get() + 1);
        assert_eq!(alive.get(), 1, "records beside each other");
        made.set(made.get() + 1);
        if made.get() > 20_001 {
            // The second time through: what was made before has left.
            assert_eq!(out.lines(), 3 + 2 * number - usize::from(number > 0));
        }
        Alive(
            json!({"name": format!("entry {number}"), "n": number}),
            &alive,
        )
    });
    let columns = [Column::text("name"), Column::number("n")];
    let mut writer = &out;
    console::table::write(&columns, records, UTF8, &mut writer).unwrap();
    assert_eq!(out.lines(), 3 + 2 * 20_000);
    assert_eq!(alive.get(), 0);
}

/// A cell was gone through from its beginning for each of its lines: a note of 1 MiB of them would have taken hours.
#[test]
fn a_cell_of_many_lines_is_gone_through_once() {
    const LINES: usize = 1 << 18;
    let columns = [Column::text("note"), Column::text("other")];
    let record = json!({"note": "\n".repeat(LINES), "other": "one\n\ntwo"});
    let out = Gone::default();
    let mut writer = &out;
    console::table::write(&columns, [record].iter(), UTF8, &mut writer).unwrap();
    assert_eq!(out.lines(), 3 + LINES + 1);
}

struct Alive<'a>(Value, &'a Cell<u32>);

impl Borrow<Value> for Alive<'_> {
    fn borrow(&self) -> &Value {
        &self.0
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
    }
}

/// Counts lines and forgets them.
#[derive(Default)]
struct Gone(Cell<usize>);

impl Gone {
    fn lines(&self) -> usize {
        self.0.get()
    }
}

impl Write for &Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.0.set(self.0.get() + lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
