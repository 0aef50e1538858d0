//! The command tree against the specification's table (`tests/commands.txt`), both ways.

use clap::CommandFactory;
use console::describe::leaves;
use console::describe::table::{Says, differences};

use super::Command;

#[test]
fn every_command_takes_what_the_specification_says() {
    let expected = include_str!("../../tests/commands.txt");
    let differ = differences(
        Says::Everything,
        expected,
        &leaves(&Command::command()),
        |_| false,
    );
    assert!(differ.is_empty(), "\n{differ}");
}
