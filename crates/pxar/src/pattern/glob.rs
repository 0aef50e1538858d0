//! Globs as automata.
//!
//! A text becomes a row of steps, state i standing before step i. Reading a path keeps the set of all states that are possible
//! so far; there is no backtracking, so the time is bounded by steps times bytes. Starting again after each slash is just one
//! more state put into the set. Only states that are in the set cost time.
//!
//! Whoever writes a pattern chooses how much memory it takes, so a step is four bytes and classes stand beside the steps.

use super::PatternError;

/// A set of bytes, one bit each.
type Class = [u64; 4];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Byte(u8),
    /// `?`
    NoSlash,
    /// By its place among the classes.
    Class(u16),
    /// `*`: stays on all but `/`, may be left at any time.
    Star,
    /// `**` at the end: stays on everything, may be left at any time.
    Deep,
    /// `**/` is two steps: this one may be left to the next one, or past it when nothing is to be matched,
    DeepEnter,
    /// and this one stays on everything and is left by a `/` only.
    DeepLoop,
}

#[derive(Clone, Debug)]
pub(super) struct Glob {
    steps: Box<[Step]>,
    classes: Box<[Class]>,
    /// So many steps at the end are bytes, with which each match must end: cheap refusal of most paths.
    tail: usize,
}

/// Whether the text stands for itself and needs no automaton.
pub(super) fn is_literal(text: &[u8]) -> bool {
    !text
        .iter()
        .any(|byte| matches!(byte, 0 | b'\\' | b'*' | b'?' | b'['))
}

impl Glob {
    pub(super) fn parse(text: &[u8]) -> Result<Glob, PatternError> {
        if text.contains(&0) {
            return Err(PatternError::Nul);
        }
        let mut steps = Vec::new();
        let mut classes = Vec::new();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            at += 1;
            match byte {
                b'\\' => {
                    steps.push(Step::Byte(
                        *text.get(at).ok_or(PatternError::TrailingBackslash)?,
                    ));
                    at += 1;
                }
                b'?' => steps.push(Step::NoSlash),
                b'[' => {
                    let (class, len) = parse_class(&text[at..])?;
                    let place = u16::try_from(classes.len()).map_err(|_| PatternError::TooLong)?;
                    steps.push(Step::Class(place));
                    classes.push(class);
                    at += len;
                }
                b'*' => {
                    let stars = 1 + text[at..].iter().take_while(|b| **b == b'*').count();
                    let alone_before =
                        matches!(steps.last(), None | Some(Step::Byte(b'/') | Step::DeepLoop));
                    at += stars - 1;
                    match text.get(at) {
                        None if stars > 1 && alone_before => steps.push(Step::Deep),
                        Some(b'/') if stars > 1 && alone_before => {
                            steps.extend([Step::DeepEnter, Step::DeepLoop]);
                            at += 1;
                        }
                        _ => steps.push(Step::Star),
                    }
                }
                other => steps.push(Step::Byte(*other)),
            }
        }
        let literal = |step: &&Step| matches!(step, Step::Byte(_));
        Ok(Glob {
            tail: steps.iter().rev().take_while(literal).count(),
            steps: steps.into(),
            classes: classes.into(),
        })
    }

    /// To compare with a byte costs at most so much.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Bytes of memory beside this struct itself, block by block.
    pub(super) fn blocks(&self) -> [usize; 2] {
        [size_of_val(&*self.steps), size_of_val(&*self.classes)]
    }

    /// The path, from the root on, that all matches begin with, whole names only; `None` if a match may be anywhere.
    pub(super) fn root(&self) -> Option<Vec<u8>> {
        let literal = |step: &Step| match step {
            Step::Byte(byte) => Some(*byte),
            _ => None,
        };
        let mut path: Vec<u8> = self.steps.iter().map_while(literal).collect();
        if path.first() != Some(&b'/') {
            return None;
        }
        if path.len() < self.steps.len() {
            // The last name is only begun.
            let names = path.iter().rposition(|byte| *byte == b'/');
            path.truncate(names.unwrap_or(0));
        }
        Some(path)
    }

    /// Whether all of `path` matches, or, if `anywhere`, what follows after any of its slashes.
    pub(super) fn matches(&self, path: &[u8], anywhere: bool) -> bool {
        let Some(split) = path.len().checked_sub(self.tail) else {
            return false;
        };
        let (before, end) = path.split_at(split);
        let tail = &self.steps[self.steps.len() - self.tail..];
        if !tail
            .iter()
            .zip(end)
            .rev()
            .all(|(step, byte)| *step == Step::Byte(*byte))
        {
            return false;
        }
        if self.tail == self.steps.len() {
            return starts_a_match(before, anywhere);
        }
        if self.steps.len() < u128::BITS as usize {
            self.run::<u128>(path, anywhere)
        } else {
            self.run::<Vec<u64>>(path, anywhere)
        }
    }

    fn run<S: States>(&self, path: &[u8], anywhere: bool) -> bool {
        let end = self.steps.len();
        let mut now = S::empty(end + 1);
        let mut next = S::empty(end + 1);
        now.add(0);
        for byte in path {
            next.clear();
            let mut alive = false;
            let mut at = now.first_from(0);
            while let Some(state) = at.filter(|state| *state < end) {
                self.leave(state, &mut now);
                alive |= self.read(state, *byte, &mut next);
                at = now.first_from(state + 1);
            }
            if anywhere && *byte == b'/' {
                next.add(0);
                alive = true;
            }
            if !alive && !anywhere {
                return false;
            }
            std::mem::swap(&mut now, &mut next);
        }
        let mut at = now.first_from(0);
        while let Some(state) = at.filter(|state| *state < end) {
            self.leave(state, &mut now);
            at = now.first_from(state + 1);
        }
        at == Some(end)
    }

    /// Adds the states that are reached from `state` without reading; they all come later.
    fn leave<S: States>(&self, state: usize, now: &mut S) {
        match self.steps[state] {
            Step::Star | Step::Deep => now.add(state + 1),
            Step::DeepEnter => {
                now.add(state + 1);
                now.add(state + 2);
            }
            _ => {}
        }
    }

    /// Adds the states that are reached by reading `byte`.
    fn read<S: States>(&self, state: usize, byte: u8, next: &mut S) -> bool {
        let slash = byte == b'/';
        let (stay, on) = match &self.steps[state] {
            Step::Byte(wanted) => (false, byte == *wanted),
            Step::NoSlash => (false, !slash),
            Step::Class(place) => (false, class_has(&self.classes[usize::from(*place)], byte)),
            Step::Star => (!slash, false),
            Step::Deep => (true, false),
            Step::DeepEnter => (false, false),
            Step::DeepLoop => (true, slash),
        };
        if stay {
            next.add(state);
        }
        if on {
            next.add(state + 1);
        }
        stay || on
    }
}

/// Whether a match may begin after `before`.
pub(super) fn starts_a_match(before: &[u8], anywhere: bool) -> bool {
    before.is_empty() || anywhere && before.last() == Some(&b'/')
}

/// A set of states.
trait States {
    fn empty(count: usize) -> Self;
    fn clear(&mut self);
    fn add(&mut self, state: usize);
    /// The first one in the set that is not before `state`.
    fn first_from(&self, state: usize) -> Option<usize>;
}

impl States for u128 {
    fn empty(_count: usize) -> u128 {
        0
    }
    fn clear(&mut self) {
        *self = 0;
    }
    fn add(&mut self, state: usize) {
        *self |= 1 << state;
    }
    fn first_from(&self, state: usize) -> Option<usize> {
        let skipped = u32::try_from(state).ok()?;
        let rest = self.checked_shr(skipped)?;
        (rest != 0).then(|| state + rest.trailing_zeros() as usize)
    }
}

const WORD: usize = u64::BITS as usize;

impl States for Vec<u64> {
    fn empty(count: usize) -> Vec<u64> {
        vec![0; count.div_ceil(WORD)]
    }
    fn clear(&mut self) {
        self.fill(0);
    }
    fn add(&mut self, state: usize) {
        self[state / WORD] |= 1 << (state % WORD);
    }
    fn first_from(&self, state: usize) -> Option<usize> {
        let place = state / WORD;
        let begun = self.get(place)? >> (state % WORD);
        if begun != 0 {
            return Some(state + begun.trailing_zeros() as usize);
        }
        let later = self[place + 1..].iter().position(|word| *word != 0)? + place + 1;
        Some(later * WORD + self[later].trailing_zeros() as usize)
    }
}

fn class_add(class: &mut Class, byte: u8) {
    class[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

fn class_has(class: &Class, byte: u8) -> bool {
    class[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
}

/// What follows a `[`: the class and the number of bytes up to and including its `]`.
fn parse_class(text: &[u8]) -> Result<(Class, usize), PatternError> {
    let mut class = [0; 4];
    let negated = text.first() == Some(&b'^');
    let mut at = usize::from(negated);
    // The byte that a following `-` would make a range of.
    let mut low = None;
    loop {
        let byte = *text.get(at).ok_or(PatternError::OpenClass)?;
        at += 1;
        match byte {
            b']' => break,
            b'[' if text.get(at) == Some(&b':') => {
                let rest = &text[at + 1..];
                let len = rest
                    .windows(2)
                    .position(|w| w == b":]")
                    .ok_or(PatternError::NamedClass)?;
                let member = named_class(&rest[..len]).ok_or(PatternError::NamedClass)?;
                (0..=255)
                    .filter(|b| member(*b))
                    .for_each(|b| class_add(&mut class, b));
                at += 1 + len + 2;
                low = None;
            }
            b'-' if low.is_some() && text.get(at).is_some_and(|b| *b != b']') => {
                let mut high = text[at];
                at += 1;
                if high == b'\\' {
                    high = *text.get(at).ok_or(PatternError::OpenClass)?;
                    at += 1;
                }
                let low = low.take().unwrap_or(high);
                (low.min(high)..=low.max(high)).for_each(|b| class_add(&mut class, b));
            }
            mut single => {
                if single == b'\\' {
                    single = *text.get(at).ok_or(PatternError::OpenClass)?;
                    at += 1;
                }
                class_add(&mut class, single);
                low = Some(single);
            }
        }
    }
    if negated {
        class = class.map(|bits| !bits);
    }
    Ok((class, at))
}

fn named_class(name: &[u8]) -> Option<fn(u8) -> bool> {
    Some(match name {
        b"alnum" => |b| b.is_ascii_alphanumeric(),
        b"alpha" => |b| b.is_ascii_alphabetic(),
        b"blank" => |b| matches!(b, b' ' | b'\t'),
        b"cntrl" => |b| b.is_ascii_control(),
        b"digit" => |b| b.is_ascii_digit(),
        b"graph" => |b| b.is_ascii_graphic(),
        b"lower" => |b| b.is_ascii_lowercase(),
        b"print" => |b| matches!(b, 0x20..=0x7f),
        b"punct" => |b| b.is_ascii_punctuation(),
        b"space" => |b| b.is_ascii_whitespace(),
        b"upper" => |b| b.is_ascii_uppercase(),
        b"xdigit" => |b| b.is_ascii_hexdigit(),
        _ => return None,
    })
}
