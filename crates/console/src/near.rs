//! Which names are near one that is not there: what somebody may have meant.
//!
//! Names are plain texts; whoever asks knows what they are of, and puts the answer into a hint.

/// More than this nobody reads.
pub const NAMES_MAX: usize = 3;

/// Names that somebody may have meant: few letters differ, or one begins with the other. The nearest come first.
///
/// ```
/// let there = ["datastore", "disk", "dns"];
/// assert_eq!(console::near::names("datstore", there), ["datastore"]);
/// ```
pub fn names<'a>(wanted: &str, there: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let letters = wanted.chars().count();
    // Of a word as short as that any other would be near.
    let limit = (letters / 4).max(2).min(letters.saturating_sub(1));
    let mut near: Vec<(usize, &str)> = there
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| (distance(wanted, name), name))
        .filter(|(far, name)| *far <= limit || name.starts_with(wanted) || wanted.starts_with(name))
        .collect();
    near.sort_unstable();
    near.truncate(NAMES_MAX);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(left != right);
            let mut least = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("host/alpha", "host/alhpa", 1),
            ("host/alpha", "host/alpha", 0),
            ("abc", "acbd", 2),
            ("vm/105", "ct/105", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn names_that_were_meant() {
        let there = ["host/alpha", "host/beta", "vm/105", "host/al", "", "s3"];
        for (wanted, expected) in [
            ("host/alhpa", "host/alpha host/al"),
            ("host/alpha-2", "host/alpha host/al"),
            ("ct/105", "vm/105"),
            ("host/", "host/al host/beta host/alpha"),
            ("host/xxxxxx", ""),
            ("nothing/like-it", ""),
            ("x", ""),
            ("s", "s3"),
        ] {
            assert_eq!(names(wanted, there).join(" "), expected, "{wanted}");
        }
    }
}
