//! The error report.

use std::io;

use console::out::OutError;
use console::report::{Failure, is_closed_output, text};

#[test]
fn says_what_why_and_what_next_once() {
    let io_error = || io::Error::from(io::ErrorKind::NotFound);
    let cases = [
        (
            "plain",
            Failure::new("cannot remove protected snapshot"),
            "Error: cannot remove protected snapshot\n",
        ),
        (
            "cause",
            Failure::new("cannot read key file 'k.json'").cause(io_error()),
            "Error: cannot read key file 'k.json'\n\nCaused by:\n    entity not found\n",
        ),
        (
            "cause already said",
            Failure::new("unable to access 'x' - entity not found").cause(io_error()),
            "Error: unable to access 'x' - entity not found\n",
        ),
        (
            "hints of all levels come last",
            Failure::new("backup failed")
                .cause(
                    Failure::new("no key")
                        .cause(io_error())
                        .hint("make one with `key create`"),
                )
                .hint("try again"),
            "Error: backup failed\n\nCaused by:\n    0: no key\n    1: entity not found\nhint: try again\nhint: make one with `key create`\n",
        ),
    ];
    for (name, error, expected) in cases {
        assert_eq!(text(&error), expected, "{name}");
    }
}

#[test]
fn only_our_own_closed_output_is_silent() {
    let closed =
        Failure::new("list").cause(OutError::from(io::Error::from(io::ErrorKind::BrokenPipe)));
    assert!(is_closed_output(&closed));
    let in_stream = Failure::new("restore").cause(io::Error::other(OutError::Closed));
    assert!(is_closed_output(&in_stream));
    let network = Failure::new("upload").cause(io::Error::from(io::ErrorKind::BrokenPipe));
    assert!(!is_closed_output(&network));
    let full = OutError::from(io::Error::from(io::ErrorKind::StorageFull));
    assert!(!is_closed_output(&full));
}
