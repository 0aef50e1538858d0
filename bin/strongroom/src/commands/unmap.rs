//! `unmap`: ends the mapping of an image, or lists what is mapped (cli.md 3.8).

use std::time::Duration;

use anyhow::Result;
use console::output::{Items, OutputArgs};
use console::report::Failure;
use mount::loop_device::{self, LoopError};
use mount::mappings::{Mapping, Mappings};
use serde_json::json;

use super::map::FOLDER;
use crate::context::Context;

/// How long a mapping's process may take to end.
const LIMIT: Duration = Duration::from_secs(10);

/// End the mapping of an image; without a name, list what is mapped.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom unmap
  strongroom unmap /dev/loop0")]
pub struct Args {
    /// The image's name as listed, its loop device, or the device's number.
    name: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mappings = Mappings::new(FOLDER.into());
    let found = alive(&mappings);
    let Some(name) = args.name else {
        if let Some(mut items) = Items::open(args.output.chosen())? {
            for (mapping, number) in &found {
                let device = number.map(loop_device::path);
                items.add(&json!({"device": device, "name": mapping.name}))?;
            }
            return Ok(items.end()?);
        }
        for line in listing(&found) {
            context.screen.line(&line);
        }
        return Ok(());
    };
    let wanted = found.iter().find(|(mapping, number)| {
        mapping.name == name || number.is_some_and(|number| is_device(&name, number))
    });
    let (mapping, number) = wanted.ok_or_else(|| {
        Failure::new(format!("'{name}' is not mapped"))
            .hint("`strongroom unmap` without a name lists what is")
    })?;
    if let Some(number) = number {
        loop_device::detach(*number).map_err(|error| match error {
            LoopError::InUse { .. } => {
                Failure::new(error.to_string()).hint("unmount it first, with `umount`")
            }
            other => Failure::new(other.to_string())
                .cause(other)
                .hint("only root can unmap"),
        })?;
    }
    if !mappings.end(mapping, LIMIT) {
        return Err(Failure::new(format!("'{name}' is still in use"))
            .hint("some program has the image open; it is gone when that ends")
            .into());
    }
    // What is left if it was killed meanwhile.
    mappings
        .clean(mapping)
        .map_err(|error| Failure::new(format!("cannot unmap '{name}'")).cause(error))?;
    Ok(())
}

/// What is served, with its loop device; leftovers of what is not are taken away.
fn alive(mappings: &Mappings) -> Vec<(Mapping, Option<u32>)> {
    let (alive, stale): (Vec<_>, Vec<_>) =
        mappings.list().into_iter().partition(|each| each.is_alive);
    let number = |mapping: &Mapping| loop_device::find(&mapping.file).ok().flatten();
    for mapping in &stale {
        let detached = number(mapping).map_or(Ok(()), loop_device::detach);
        let detached = detached.map_err(|error| error.to_string());
        let cleaned = || mappings.clean(mapping).map_err(|error| error.to_string());
        if let Err(error) = detached.and_then(|()| cleaned()) {
            tracing::warn!("cannot remove what is left of '{}': {error}", mapping.name);
        }
    }
    alive
        .into_iter()
        .map(|mapping| {
            let number = number(&mapping);
            (mapping, number)
        })
        .collect()
}

fn listing(found: &[(Mapping, Option<u32>)]) -> Vec<String> {
    if found.is_empty() {
        return vec!["Nothing mapped.".to_owned()];
    }
    let line = |(mapping, number): &(Mapping, Option<u32>)| match number {
        Some(number) => format!(
            "{}:\t{}",
            loop_device::path(*number).display(),
            mapping.name
        ),
        None => format!("(unmapped):\t{}", mapping.name),
    };
    found.iter().map(line).collect()
}

/// `/dev/loop3` or `3`.
fn is_device(text: &str, number: u32) -> bool {
    let digits = text.strip_prefix("/dev/loop").unwrap_or(text);
    digits.parse() == Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped() {
        let mapping = |name: &str| Mapping {
            name: name.to_owned(),
            file: "x".into(),
            is_alive: true,
        };
        assert_eq!(listing(&[]), ["Nothing mapped."]);
        assert_eq!(
            listing(&[(mapping("a:host/x/a.img"), Some(3)), (mapping("b"), None)]),
            ["/dev/loop3:\ta:host/x/a.img", "(unmapped):\tb"]
        );
    }

    #[test]
    fn devices_by_path_and_number() {
        for (text, expected) in [
            ("3", true),
            ("/dev/loop3", true),
            ("/dev/loop30", false),
            ("loop3", false),
            ("", false),
        ] {
            assert_eq!(is_device(text, 3), expected, "{text}");
        }
    }
}
