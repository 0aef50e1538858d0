//! The scenarios of pxar.md 8.6, played against a payload stream that is only positions.

use std::collections::VecDeque;
use std::convert::Infallible;

use format::Digest;

use super::{ChunkTable, Op, Planner, Queue, ReusedChunk};

const MIB: u64 = 1 << 20;

/// Members that wait as they are, and how many may.
struct Line<E>(VecDeque<(E, Option<u64>)>, usize);

impl<E> Line<E> {
    fn of(max: usize) -> Line<E> {
        Line(VecDeque::new(), max)
    }
}

impl<E> Queue for Line<E> {
    type Member = E;

    fn push(&mut self, member: E, within: Option<u64>) {
        self.0.push_back((member, within));
    }

    fn pop(&mut self) -> Option<(E, Option<u64>)> {
        self.0.pop_front()
    }

    fn is_full(&self) -> bool {
        self.0.len() >= self.1
    }
}

fn digest(letter: u8) -> Digest {
    Digest([letter; 32])
}

/// Ends of the chunks A to D of the reference payload.
fn chunks() -> ChunkTable {
    ChunkTable::new([
        (2_097_184, digest(b'A')),
        (4_194_352, digest(b'B')),
        (7_340_212, digest(b'C')),
        (9_437_396, digest(b'D')),
    ])
}

/// Where the reference has a file's data, and how much.
fn reference(name: &str) -> Option<(u64, u64)> {
    Some(match name {
        "a" => (16, 2 * MIB),
        "b" => (2_097_184, 2 * MIB),
        "c" => (4_194_352, 100),
        "d" => (4_194_468, 3 * MIB),
        "e" => (7_340_212, 2 * MIB),
        _ => return None,
    })
}

/// Words for what happens, and the length of the payload stream at the end.
struct Stream {
    position: u64,
    told: Vec<String>,
    sizes: Vec<(&'static str, u64)>,
}

impl Stream {
    fn act(&mut self, op: Op<&'static str>) -> Result<(), Infallible> {
        match op {
            Op::Inject(chunks) => {
                let word = |chunk: &ReusedChunk| {
                    let letter = char::from(chunk.digest.0[0]);
                    format!("{letter}({},{})", chunk.size, chunk.padding)
                };
                let words: Vec<String> = chunks.iter().map(word).collect();
                self.told
                    .push(format!("{}: inject {}", self.position, words.join(" ")));
                self.position += chunks.iter().map(|chunk| chunk.size).sum::<u64>();
            }
            Op::Store(name) => {
                let size = self.sizes.iter().find(|(n, _)| *n == name).map(|(_, s)| *s);
                self.told.push(format!("{}: write {name}", self.position));
                self.position += 16 + size.expect("a file of the test");
            }
            Op::Refer { member, ahead } => {
                self.told
                    .push(format!("refer {member} {}", self.position + ahead));
            }
        }
        Ok(())
    }
}

/// Files in their order; a name that ends in `!` has changed, with its size.
fn play(files: &[(&'static str, u64, bool)], waiting_max: usize) -> (Vec<String>, u64) {
    let mut planner = Planner::new(chunks(), Line::of(waiting_max));
    let sizes = files.iter().map(|(name, size, _)| (*name, *size)).collect();
    let mut stream = Stream {
        position: 16,
        told: Vec::new(),
        sizes,
    };
    for (name, _, changed) in files {
        let previous = reference(name).filter(|_| !changed);
        let Ok(()) = planner.file(*name, previous, &mut |op| stream.act(op));
    }
    let Ok(()) = planner.finish(&mut |op| stream.act(op));
    (stream.told, stream.position + 16)
}

#[test]
fn scenarios_of_the_specification() {
    let old = |name: &'static str| (name, reference(name).expect("in the reference").1, false);
    let new = |name: &'static str, size| (name, size, true);
    let c_and_d = "inject C(3145860,0) D(2097184,16)";
    let rows: [(&str, Vec<_>, usize, Vec<String>, u64); 6] = [
        (
            "all unchanged",
            vec![old("a"), old("b"), old("c"), old("d"), old("e")],
            512,
            vec![
                "refer a 32".into(),
                "refer b 2097200".into(),
                "refer c 4194368".into(),
                "refer d 4194484".into(),
                "refer e 7340228".into(),
                "16: inject A(2097184,16) B(2097168,0) C(3145860,0) D(2097184,16)".into(),
            ],
            9_437_428,
        ),
        (
            "b changed",
            vec![old("a"), new("b", 2 * MIB), old("c"), old("d"), old("e")],
            512,
            vec![
                "16: write a".into(),
                "2097184: write b".into(),
                "refer c 4194352".into(),
                "refer d 4194468".into(),
                "refer e 7340212".into(),
                format!("4194352: {c_and_d}"),
            ],
            9_437_412,
        ),
        (
            "c removed",
            vec![old("a"), old("b"), old("d"), old("e")],
            512,
            vec![
                "16: write a".into(),
                "2097184: write b".into(),
                "refer d 4194468".into(),
                "refer e 7340212".into(),
                "4194352: inject C(3145860,116) D(2097184,16)".into(),
            ],
            9_437_412,
        ),
        (
            "only c left",
            vec![old("c")],
            512,
            vec!["16: write c".into()],
            148,
        ),
        (
            "a new file between b and c",
            vec![
                old("a"),
                old("b"),
                new("bb", 50),
                old("c"),
                old("d"),
                old("e"),
            ],
            512,
            vec![
                "16: write a".into(),
                "2097184: write b".into(),
                "4194352: write bb".into(),
                "refer c 4194418".into(),
                "refer d 4194534".into(),
                "refer e 7340278".into(),
                format!("4194418: {c_and_d}"),
            ],
            9_437_478,
        ),
        (
            "all unchanged, two may wait",
            vec![old("a"), old("b"), old("c"), old("d"), old("e")],
            2,
            vec![
                "16: write a".into(),
                "2097184: write b".into(),
                "4194352: write c".into(),
                "4194468: write d".into(),
                "refer e 7340212".into(),
                "7340212: inject D(2097184,16)".into(),
            ],
            9_437_412,
        ),
    ];
    for (what, files, waiting_max, expected, length) in rows {
        let (told, end) = play(&files, waiting_max);
        assert_eq!(told, expected, "{what}");
        assert_eq!(end, length, "{what}");
    }
}

/// Many small files in few large chunks, limits and holes of all sorts: what is referred to is always there, in order and once,
/// and every chunk that goes in is one of the table.
#[test]
fn references_always_lead_to_the_data_meant() {
    let table = ChunkTable::new((1..=40u64).map(|i| (i * 1000 + (i * i) % 7, digest(i as u8))));
    let files: Vec<(u64, u64)> = (0..300).map(|i| (16 + i * 130, 114)).collect();
    let mut state = 12345u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for round in 0..200 {
        let waiting_max = 1 + random(60) as usize;
        let kept_of = 2 + random(50);
        let mut planner = Planner::new(table.clone(), Line::of(waiting_max));
        // The new stream as what each byte came from: ranges of (new start, old start, length).
        let mut pieces: Vec<(u64, u64, u64)> = Vec::new();
        let mut refers: Vec<(u64, u64)> = Vec::new();
        let mut stored = Vec::new();
        let mut position = 16;
        let mut act = |op: Op<usize>| {
            match op {
                Op::Inject(chunks) => {
                    assert!(!chunks.is_empty() && chunks.len() <= 128);
                    for chunk in chunks {
                        assert!(chunk.padding <= chunk.size);
                        pieces.push((position, chunk.end - chunk.size, chunk.size));
                        position += chunk.size;
                    }
                }
                Op::Store(index) => {
                    stored.push(index);
                    position += 130;
                }
                Op::Refer { member, ahead } => refers.push((position + ahead, files[member].0)),
            }
            Ok::<(), Infallible>(())
        };
        let mut given = 0;
        for (index, previous) in files.iter().enumerate() {
            let Ok(()) = match random(kept_of) {
                0 => planner.file(index, None, &mut act),
                1 if index > 0 => continue,
                _ => planner.file(index, Some(*previous), &mut act),
            };
            given += 1;
        }
        let Ok(()) = planner.finish(&mut act);
        assert_eq!(stored.len() + refers.len(), given, "round {round}");
        assert!(refers.is_sorted_by(|a, b| a.0 < b.0), "round {round}");
        for (new, old) in refers {
            // Header and data may lie across chunks, as long as these follow one upon the other in both streams.
            for byte in 0..130 {
                let found = pieces
                    .iter()
                    .find(|(start, _, len)| (*start..start + len).contains(&(new + byte)));
                let (start, from, _) = found.expect("inside of what was put there");
                assert_eq!(new + byte - start + from, old + byte, "round {round}");
            }
        }
    }
}

/// References into a broken previous archive are not believed.
#[test]
fn data_that_is_not_there_is_read() {
    let rows = [
        ("behind the end", (9_437_396, 1)),
        ("across the end", (7_340_212, 2 * MIB + 20)),
        ("beyond all numbers", (u64::MAX - 4, 1)),
        ("endless", (16, u64::MAX - 3)),
    ];
    for (what, previous) in rows {
        let mut planner = Planner::new(chunks(), Line::of(512));
        let mut ops = Vec::new();
        let mut act = |op| {
            ops.push(op);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = planner.file(what, Some(previous), &mut act);
        let Ok(()) = planner.finish(&mut act);
        assert_eq!(ops, [Op::Store(what)]);
    }
    // The same data twice would make references that do not increase.
    let mut planner = Planner::new(chunks(), Line::of(512));
    let mut ops = Vec::new();
    let mut act = |op| {
        ops.push(op);
        Ok::<(), Infallible>(())
    };
    for name in ["first", "second"] {
        let Ok(()) = planner.file(name, Some((16, 4 * MIB)), &mut act);
    }
    let Ok(()) = planner.finish(&mut act);
    assert!(ops.contains(&Op::Store("second")));
}
