//! The pattern table of the specification (8.5), whose rows the original confirms, and what it says about errors and order.

use pxar::pattern::sanitize;
use pxar::{MatchKind, Pattern, PatternError, PatternList};

/// Patterns of an exclude list, a path, whether it is a directory, what the list says.
type Row = (
    &'static [&'static str],
    &'static str,
    bool,
    Option<MatchKind>,
);

const NO: Option<MatchKind> = None;
const EX: Option<MatchKind> = Some(MatchKind::Exclude);
const IN: Option<MatchKind> = Some(MatchKind::Include);

#[rustfmt::skip]
const TABLE: [Row; 74] = [
    (&[r"foo"], "/foo", false, EX),
    (&[r"foo"], "/a/foo", false, EX),
    (&[r"foo"], "/a/foobar", false, NO),
    (&[r"foo"], "/a/foo", true, EX),
    (&[r"foo/"], "/foo", true, EX),
    (&[r"foo/"], "/foo", false, NO),
    (&[r"foo//"], "/a/foo", true, EX),
    (&[r"/foo"], "/foo", false, EX),
    (&[r"/foo"], "/a/foo", false, NO),
    (&[r"/a/b"], "/a/b", false, EX),
    (&[r"a/b"], "/x/a/b", false, EX),
    (&[r"a/b"], "/a/b", false, EX),
    (&[r"a/b"], "/xa/b", false, NO),
    (&[r"*.o"], "/x.o", false, EX),
    (&[r"*.o"], "/d/x.o", false, EX),
    (&[r"*.o"], "/d/.o", false, EX),
    (&[r"*"], "/x", false, EX),
    (&[r"/*"], "/x", false, EX),
    (&[r"/*"], "/d/x", false, NO),
    (&[r"d/*"], "/d/x", false, EX),
    (&[r"d/*"], "/d/e/x", false, NO),
    (&[r"/d/*/x"], "/d/e/x", false, EX),
    (&[r"/d/*/x"], "/d/e/f/x", false, NO),
    (&[r"/d/*/x"], "/d/x", false, NO),
    (&[r"**"], "/x", false, EX),
    (&[r"/d/**"], "/d/e", true, EX),
    (&[r"/d/**"], "/d", true, NO),
    (&[r"/d/**/x"], "/d/x", false, EX),
    (&[r"/d/**/x"], "/d/e/f/x", false, EX),
    (&[r"**/x"], "/d/x", false, EX),
    (&[r"**/x"], "/x", false, EX),
    (&[r"**/x"], "/dx", false, NO),
    (&[r"/**/*.tmp"], "/d/e/a.tmp", false, EX),
    (&[r"a**c"], "/abc", false, EX),
    (&[r"a**c"], "/a/c", false, NO),
    (&[r"a/b**/c"], "/a/bxx/c", false, EX),
    (&[r"a/b**/c"], "/a/bxx/yy/c", false, NO),
    (&[r"fo?"], "/fox", false, EX),
    (&[r"fo?"], "/fo", false, NO),
    (&[r"a?b"], "/a/b", false, NO),
    (&[r"f?*"], "/fo", false, EX),
    (&[r"[abc]x"], "/bx", false, EX),
    (&[r"[^abc]x"], "/dx", false, EX),
    (&[r"[^abc]x"], "/ax", false, NO),
    (&[r"[!abc]x"], "/dx", false, NO),
    (&[r"[!abc]x"], "/!x", false, EX),
    (&[r"[!abc]x"], "/ax", false, EX),
    (&[r"[a-c]"], "/b", false, EX),
    (&[r"[c-a]"], "/b", false, EX),
    (&[r"[-a]"], "/-", false, EX),
    (&[r"[a\-c]"], "/b", false, NO),
    (&[r"[a\-c]"], "/-", false, EX),
    (&[r"[\]]"], "/]", false, EX),
    (&[r"[]a]"], "/a", false, NO),
    (&[r"[[]"], "/[", false, EX),
    (&[r"[[:digit:]]"], "/7", false, EX),
    (&[r"x[[:upper:]_]"], "/x_", false, EX),
    (&[r"[^/]x"], "/ax", false, EX),
    (&[r"a[/]b"], "/a/b", false, EX),
    (&[r"\*"], "/*", false, EX),
    (&[r"\*"], "/a", false, NO),
    (&[r"\!x"], "/!x", false, EX),
    (&[r"FOO"], "/foo", false, NO),
    (&[r"*.o", r"!keep.o"], "/keep.o", false, IN),
    (&[r"!keep.o", r"*.o"], "/keep.o", false, EX),
    (&[r"*.o", r"!keep.o", r"keep.*"], "/keep.o", false, EX),
    (&[r"foo", r"!foo/"], "/foo", true, IN),
    (&[r"foo", r"!foo/"], "/foo", false, EX),
    (&[r"lost+found"], "/lost+found", true, EX),
    (&[r"lost+found"], "/mnt/lost+found", true, EX),
    (&[r".*"], "/.hid", false, EX),
    (&[r"ü?"], "/üa", false, EX),
    (&[r"?x"], "/üx", false, NO),
    (&[r"??x"], "/üx", false, EX),
];

fn list(texts: &[&str]) -> PatternList {
    texts
        .iter()
        .map(|t| Pattern::parse(t.as_bytes(), MatchKind::Exclude).expect(t))
        .collect()
}

#[test]
fn table() {
    for (index, (patterns, path, is_dir, expected)) in TABLE.iter().enumerate() {
        let result = list(patterns).matches(path.as_bytes(), *is_dir);
        assert_eq!(
            result,
            *expected,
            "row {}: {patterns:?} on {path}",
            index + 1
        );
    }
}

/// Long patterns take another way through the automaton; padding with stars that match nothing must not change a result.
#[test]
fn table_with_many_steps() {
    for (index, (patterns, path, is_dir, expected)) in TABLE.iter().enumerate() {
        let long: Vec<String> = patterns.iter().map(|p| pad(p)).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert_eq!(
            list(&long).matches(path.as_bytes(), *is_dir),
            *expected,
            "row {}: {long:?} on {path}",
            index + 1
        );
    }
}

/// More than 128 steps that change nothing: an unanchored pattern of plain names may begin with any number of `**/`.
/// Other patterns stay as they are.
fn pad(pattern: &str) -> String {
    let plain = pattern
        .trim_end_matches('/')
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '/');
    if plain && !pattern.starts_with('/') {
        return format!("{}{pattern}", "**/".repeat(70));
    }
    pattern.to_owned()
}

#[test]
fn errors() {
    let rows: [(&[u8], PatternError); 9] = [
        (b"a\0b", PatternError::Nul),
        (b"abc\\", PatternError::TrailingBackslash),
        (b"[abc", PatternError::OpenClass),
        (b"[^", PatternError::OpenClass),
        (b"[a\\", PatternError::OpenClass),
        (b"[a-\\", PatternError::OpenClass),
        (b"[[:digit]", PatternError::NamedClass),
        (b"[[:nonsense:]]", PatternError::NamedClass),
        (b"[", PatternError::OpenClass),
    ];
    for (text, error) in rows {
        let result = Pattern::parse(text, MatchKind::Exclude).map(|p| p.to_line());
        assert_eq!(result, Err(error), "{}", String::from_utf8_lossy(text));
    }
    let long = vec![b'a'; pxar::pattern::PATTERN_LEN_MAX + 1];
    assert_eq!(
        Pattern::parse(&long, MatchKind::Exclude).err(),
        Some(PatternError::TooLong)
    );
}

#[test]
fn anchored_patterns_match_the_whole_path_only() {
    let anchored = |text: &str| {
        Pattern::parse(text.as_bytes(), MatchKind::Exclude)
            .expect(text)
            .anchored()
    };
    assert!(anchored("/d/x").matches(b"/d/x", false));
    assert!(!anchored("/x").matches(b"/d/x", false));
    assert!(anchored("/d/*.o").matches(b"/d/x.o", false));
    assert!(!anchored("*.o").matches(b"/x.o", false));
}

#[test]
fn lines_for_the_archive() {
    let rows = [
        ("*.o", "*.o"),
        ("!keep", "!keep"),
        ("dir//", "dir/"),
        ("/a/b", "/a/b"),
        ("!x/", "!x/"),
        ("//", "//"),
    ];
    for (text, line) in rows {
        let pattern = Pattern::parse(text.as_bytes(), MatchKind::Exclude).expect(text);
        assert_eq!(String::from_utf8_lossy(&pattern.to_line()), line);
    }
    let twice = Pattern::parse(b"!x", MatchKind::Include).expect("valid");
    assert_eq!(twice.kind(), MatchKind::Exclude);
}

#[test]
fn sloppy_patterns_are_put_in_order() {
    let rows = [
        ("foo", "foo"),
        ("./foo", "foo"),
        ("!./foo", "!foo"),
        ("a//b", "a/b"),
        ("/a/./b/", "/a/b/"),
        ("a/../b", "b"),
        ("/../a", "/a"),
        ("../a", "../a"),
        ("a/b/../../c", "c"),
        ("/", "/"),
        ("*.o", "*.o"),
        ("a/", "a/"),
        ("!/x", "!/x"),
        // A name that comes to the front must not turn the pattern around.
        ("./!x", r"\!x"),
        ("a/../!x", r"\!x"),
        ("!./!x", r"!\!x"),
        ("/./!x", "/!x"),
    ];
    for (text, clean) in rows {
        let result = sanitize(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&result), clean, "{text}");
        assert_eq!(
            matches!(result, std::borrow::Cow::Borrowed(_)),
            text == clean,
            "{text}"
        );
    }
}

/// A backtracking matcher would need longer than anyone lives for this one.
#[test]
fn hostile_patterns_are_cheap() {
    let pattern = Pattern::parse("*a".repeat(60).as_bytes(), MatchKind::Exclude).expect("valid");
    let deep = Pattern::parse("**/a/".repeat(60).as_bytes(), MatchKind::Exclude).expect("valid");
    let path = format!("/{}b", "a".repeat(4000));
    assert!(!pattern.matches(path.as_bytes(), false));
    let path = format!("{}b", "/a".repeat(2000));
    assert!(!deep.matches(path.as_bytes(), true));
}

/// Its automaton has more states than fit into one word.
#[test]
fn long_patterns_match_too() {
    let text = format!("{}*.[a-c]", "x?".repeat(200));
    let pattern = Pattern::parse(text.as_bytes(), MatchKind::Exclude).expect("valid");
    for (end, fits) in [
        (".b", true),
        ("long.c", true),
        (".d", false),
        ("/.b", false),
    ] {
        let path = format!("/d/{}{end}", "xy".repeat(200));
        assert_eq!(pattern.matches(path.as_bytes(), false), fits, "{end}");
    }
}

#[test]
fn a_list_knows_what_it_holds() {
    let mut list = list(&["a", "*.o"]);
    let before = (list.held_bytes(), list.steps());
    assert_eq!(list.steps(), 3, "only wildcards have some");
    for text in ["*", "[a][b][c]", "/a/long/name", "**/x/**"] {
        let pattern = Pattern::parse(text.as_bytes(), MatchKind::Exclude).expect(text);
        let own = pattern.held_bytes();
        assert!(own > text.len() + size_of::<Pattern>(), "{text}");
        let expected = (list.held_bytes() + own, list.steps() + pattern.steps());
        list.push(pattern);
        assert_eq!((list.held_bytes(), list.steps()), expected, "{text}");
    }
    list.truncate(2);
    assert_eq!((list.held_bytes(), list.steps()), before);
    list.truncate(0);
    assert_eq!((list.held_bytes(), list.steps()), (0, 0));
}
