//! The section syntax: its rules as tables, and properties over random files.

use api::kinds;
use api::schema::{Kind, Param, Schema};
use config::section_config::{SectionType, Sections, Syntax};
use proptest::prelude::*;

const SYNTAX: Syntax = Syntax {
    file: "things.cfg",
    types: &[
        SectionType {
            name: "thing",
            id_name: "id",
            id: kinds::JOB_ID,
            schema: Schema(&[&[
                Param::required("path", kinds::TEXT),
                Param::optional("flag", Kind::Boolean),
                Param::optional("count", Kind::at_least(1)),
                Param::optional("filter", Kind::Array(&kinds::TEXT)),
            ]]),
        },
        SectionType {
            name: "other",
            id_name: "id",
            id: kinds::JOB_ID,
            schema: Schema(&[]),
        },
    ],
};

#[test]
fn files_come_back_in_normal_form() {
    let rows = [
        ("", ""),
        ("\n \n\t\n", ""),
        ("thing: abc\n\tpath /x\n", "thing: abc\n\tpath /x\n"),
        ("thing:abc\n path   /x y  \n", "thing: abc\n\tpath /x y\n"),
        ("thing : abc\r\n\tpath /x\r\n", "thing: abc\n\tpath /x\n"),
        ("thing: abc\n\tpath \n", "thing: abc\n\tpath \n"),
        (
            "thing: abc\n\tpath /x\n\tflag YES\n\tcount 007\n",
            "thing: abc\n\tcount 7\n\tflag true\n\tpath /x\n",
        ),
        (
            "thing: abc\n\tpath /x\n\tfilter b\n\tfilter a\n",
            "thing: abc\n\tfilter b\n\tfilter a\n\tpath /x\n",
        ),
        (
            "\nother: xyz\n\n\n\nthing: abc\n\tpath /x",
            "other: xyz\n\nthing: abc\n\tpath /x\n",
        ),
        // The later data of a repeated id wins, and the writer has it twice.
        (
            "thing: abc\n\tpath /x\n\nthing: abc\n\tpath /y\n",
            "thing: abc\n\tpath /y\n\nthing: abc\n\tpath /y\n",
        ),
    ];
    for (text, printed) in rows {
        let sections = SYNTAX
            .parse(text)
            .unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(SYNTAX.print(&sections).unwrap(), printed, "{text:?}");
    }
}

#[test]
fn one_wrong_line_refuses_the_file() {
    let rows = [
        ("# comment\n", 1, "expected header"),
        ("thing abc\n", 1, "expected header"),
        (": abc\n", 1, "expected header"),
        ("nope: abc\n", 1, "unknown section type 'nope'"),
        ("thing: ab\n\tpath /x\n", 1, "at least 3 characters"),
        ("thing: a b c\n\tpath /x\n", 1, "regex pattern"),
        ("thing: abc\npath /x\n", 2, "missing indentation"),
        ("thing: abc\n\tpath\n", 2, "missing value"),
        (
            "thing: abc\n\tpath /x\n\tnope 1\n",
            3,
            "unknown property 'nope'",
        ),
        (
            "thing: abc\n\tpath /x\n\tpath /y\n",
            3,
            "duplicate property 'path'",
        ),
        (
            "thing: abc\n\tpath /x\n\tflag maybe\n",
            3,
            "Unable to parse boolean option.",
        ),
        (
            "thing: abc\n\tpath /x\n\tcount 0\n",
            3,
            "minimum value of 1",
        ),
        (
            "other: xyz\n\nthing: abc\n\tflag 1\n",
            3,
            "missing property 'path'",
        ),
        ("other: xyz\n\n\tpath /x\n", 3, "expected header"),
    ];
    for (text, line, reason) in rows {
        let error = SYNTAX.parse(text).expect_err(text).to_string();
        assert!(
            error.starts_with(&format!("parsing \"things.cfg\" failed: line {line} - ")),
            "{text:?}: {error}"
        );
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn what_would_not_come_back_is_not_written() {
    let sections = |path: &str| {
        let mut sections = Sections::default();
        let properties = serde_json::json!({"path": path})
            .as_object()
            .cloned()
            .unwrap();
        sections.set(
            "abc",
            config::section_config::Section {
                kind: "thing",
                properties,
            },
        );
        sections
    };
    assert_eq!(
        SYNTAX.print(&sections("/x")).unwrap(),
        "thing: abc\n\tpath /x\n"
    );
    for path in ["a\nb", "a\tb", " a", "a ", "\u{85}"] {
        assert!(SYNTAX.print(&sections(path)).is_err(), "{path:?}");
    }
}

#[test]
fn sections_are_set_and_removed() {
    let mut sections = SYNTAX
        .parse("thing: one\n\tpath /1\n\nthing: two\n\tpath /2\n\nthing: one\n\tpath /3\n")
        .unwrap();
    assert_eq!(
        sections.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        ["one", "two"]
    );
    let two = sections.get("two").unwrap().clone();
    sections.set("six", two);
    sections.remove("one").unwrap();
    assert!(!sections.contains("one"));
    assert_eq!(
        SYNTAX.print(&sections).unwrap(),
        "thing: two\n\tpath /2\n\nthing: six\n\tpath /2\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn nothing_panics(text in "\\PC*", lines in "((thing|other|\t| )[: ](abc|path|flag|count|filter)?[ \t]?[a-z1 ]{0,4}\n?){0,8}") {
        for text in [text, lines] {
            if let Ok(sections) = SYNTAX.parse(&text) {
                let printed = SYNTAX.print(&sections);
                if let Ok(printed) = printed {
                    let again = SYNTAX.parse(&printed).expect("what is written reads back");
                    prop_assert_eq!(SYNTAX.print(&again).expect("and is written again"), printed);
                }
            }
        }
    }

    #[test]
    fn sections_round_trip(things in proptest::collection::btree_map("[a-z]{3,8}", ("[!-~]([ -~]{0,10}[!-~])?", any::<Option<bool>>(), proptest::option::of(1i64..), proptest::collection::vec("[!-~]{1,6}", 0..3)), 0..6)) {
        let mut sections = Sections::default();
        for (id, (path, flag, count, filter)) in things {
            let mut value = serde_json::json!({"path": path, "flag": flag, "count": count, "filter": filter});
            let properties = value.as_object_mut().unwrap();
            properties.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()));
            sections.set(&id, config::section_config::Section { kind: "thing", properties: properties.clone() });
        }
        let text = SYNTAX.print(&sections).unwrap();
        prop_assert_eq!(SYNTAX.parse(&text).unwrap(), sections);
    }
}
