//! Large buffers for chunks and blobs on their way through the server: reused, and bounded in their sum.
//! A buffer is taken before its bytes are, so what clients can make the server hold is the budget and not the product of their requests.
//! Sizes are rounded up to classes, so a buffer that comes back fits the next chunk of about the same length; buffers that lie
//! idle count towards the budget too. Waiting is left to whoever asks: `take` waits, `try_take` does not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Smallest class: 64 KiB.
const CLASS_SHIFT_MIN: u32 = 16;
/// Largest class: 16 MiB, and room for the header of a blob.
const CLASS_SHIFT_MAX: u32 = 24;
const CLASSES: usize = (CLASS_SHIFT_MAX - CLASS_SHIFT_MIN + 1) as usize;
/// Room above each power of two, because an encoded chunk is a power of two and a header.
const HEADER_ROOM: usize = 4096;
/// Longest content of one buffer.
pub const BUFFER_BYTES_MAX: usize = (1 << CLASS_SHIFT_MAX) + HEADER_ROOM;

/// A budget of bytes and the buffers made from it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    budget: Arc<Semaphore>,
    shelf: Arc<Shelf>,
}

/// Where buffers lie idle, of one or several budgets.
#[derive(Debug)]
struct Shelf {
    /// Buffers that would make it more are not kept.
    bytes_max: usize,
    content: Mutex<Idle>,
}

/// Buffers that lie idle, by class.
#[derive(Debug, Default)]
struct Idle {
    idle: [Vec<Vec<u8>>; CLASSES],
    /// Capacity of all buffers, idle or not.
    made_bytes: usize,
}

/// A buffer of at most the length it was taken for; goes back when dropped.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    class: usize,
    memory: Memory,
    /// Its share of the budget, at least its capacity.
    permit: OwnedSemaphorePermit,
}

impl Memory {
    /// A budget of `bytes_max`, at least one buffer of the largest class.
    pub fn new(bytes_max: usize) -> Memory {
        let bytes_max = bytes_max.max(BUFFER_BYTES_MAX);
        let shelf = Arc::new(Shelf {
            bytes_max,
            content: Mutex::default(),
        });
        Memory::of(bytes_max, shelf)
    }

    /// A further budget of `bytes_max`, at least one buffer of the largest class. Its buffers come from this one's and go back there, so what lies
    /// idle does not grow with the budgets.
    pub fn beside(&self, bytes_max: usize) -> Memory {
        Memory::of(
            bytes_max.max(BUFFER_BYTES_MAX),
            Arc::clone(&self.shared.shelf),
        )
    }

    fn of(bytes_max: usize, shelf: Arc<Shelf>) -> Memory {
        let budget = Arc::new(Semaphore::new(bytes_max / HEADER_ROOM));
        Memory {
            shared: Arc::new(Shared { budget, shelf }),
        }
    }

    /// An empty buffer with room for `length` bytes, once the budget allows it; callers are served in their order.
    ///
    /// # Panics
    /// If `length` is over [`BUFFER_BYTES_MAX`]; the schemas keep announced lengths below it.
    pub async fn take(&self, length: usize) -> Buffer {
        let class = class_of(length);
        let permit = Arc::clone(&self.shared.budget)
            .acquire_many_owned(permits(class))
            .await;
        self.fetch(class, permit.expect("the budget is never closed"))
    }

    /// The same if the budget allows it now.
    pub fn try_take(&self, length: usize) -> Option<Buffer> {
        let class = class_of(length);
        let permit = Arc::clone(&self.shared.budget)
            .try_acquire_many_owned(permits(class))
            .ok()?;
        Some(self.fetch(class, permit))
    }

    /// An empty buffer with room for `likely` bytes which may grow to [`BUFFER_BYTES_MAX`]; [`Buffer::settle`] gives back what it did not need.
    pub async fn take_any(&self, likely: usize) -> Buffer {
        let permit = Arc::clone(&self.shared.budget)
            .acquire_many_owned(permits(CLASSES - 1))
            .await;
        self.fetch(
            class_of(likely),
            permit.expect("the budget is never closed"),
        )
    }

    /// Frees what lies idle.
    pub fn give_back(&self) {
        let mut content = self.shared.shelf.open();
        let idle = std::mem::take(&mut content.idle);
        let bytes: usize = idle.iter().flatten().map(Vec::capacity).sum();
        content.made_bytes -= bytes;
        drop(content);
    }

    #[cfg(test)]
    pub fn idle_bytes(&self) -> usize {
        let content = self.shared.shelf.open();
        content.idle.iter().flatten().map(Vec::capacity).sum()
    }

    /// Whether this is the only handle to it, and no buffer is out.
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }

    fn fetch(&self, class: usize, permit: OwnedSemaphorePermit) -> Buffer {
        let shelf = &self.shared.shelf;
        let bytes = shelf.open().fetch(class, shelf.bytes_max);
        Buffer {
            bytes: bytes.unwrap_or_else(|| Vec::with_capacity(capacity(class))),
            class,
            memory: self.clone(),
            permit,
        }
    }
}

/// The budgets of one connection: the one of all, one of its user alone, and one of its datastore alone. So users whose clients do not read cannot
/// keep others from going on, nor can a disk that does not answer, and what they can hold does not grow with their connections.
#[derive(Debug)]
pub struct Share {
    budgets: [Memory; 3],
    wanted: Arc<AtomicUsize>,
    /// Who waits of this connection.
    own: AtomicUsize,
    /// Only one request of the connection stands in the line, so that one with many requests does not fill it.
    line: tokio::sync::Mutex<()>,
}

/// Somebody who waits for memory.
struct Wanting<'a>(&'a Share);

impl Wanting<'_> {
    fn of(share: &Share) -> Wanting<'_> {
        share.own.fetch_add(1, Ordering::SeqCst);
        share.wanted.fetch_add(1, Ordering::SeqCst);
        Wanting(share)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.wanted.fetch_sub(1, Ordering::SeqCst);
        self.0.own.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Share {
    /// `wanted` counts all who wait.
    pub fn new(budgets: [&Memory; 3], wanted: &Arc<AtomicUsize>) -> Share {
        Share {
            budgets: budgets.map(Memory::clone),
            wanted: Arc::clone(wanted),
            own: AtomicUsize::new(0),
            line: tokio::sync::Mutex::default(),
        }
    }

    /// [`Memory::take_any`] from whichever has room first.
    pub async fn take_any(&self, likely: usize) -> Buffer {
        let _wanting = Wanting::of(self);
        let _first = self.line.lock().await;
        let [first, second, third] = &self.budgets;
        tokio::select! {
            biased;
            buffer = first.take_any(likely) => buffer,
            buffer = second.take_any(likely) => buffer,
            buffer = third.take_any(likely) => buffer,
        }
    }

    /// Whether another connection waits for memory. This one's own requests wait for what it holds itself: with a narrow line it would be given up
    /// for asking early. Others of its user count like anybody's: a user with several connections, each of which takes what it must at least, may hold
    /// the budget of all for as long as they run.
    pub fn is_wanted(&self) -> bool {
        let own = || self.own.load(Ordering::SeqCst);
        let (before, all) = (own(), self.wanted.load(Ordering::SeqCst));
        // One of its own may have come or gone meanwhile.
        all > before.max(own())
    }
}

impl Shelf {
    fn open(&self) -> std::sync::MutexGuard<'_, Idle> {
        // It is whole between any two statements, so a panic elsewhere does not spoil it.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    /// An idle buffer of the class; nothing if one must be made, for which idle ones of other classes make room.
    fn fetch(&mut self, class: usize, bytes_max: usize) -> Option<Vec<u8>> {
        if let Some(bytes) = self.idle[class].pop() {
            return Some(bytes);
        }
        self.made_bytes += capacity(class);
        for other in (0..CLASSES).rev() {
            while self.made_bytes > bytes_max && self.idle[other].pop().is_some() {
                self.made_bytes -= capacity(other);
            }
        }
        None
    }
}

impl Buffer {
    /// The bytes; a caller must not grow them beyond the length asked for, or the next user pays for the copy.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Gives back the part of the budget that the content turned out not to need.
    pub fn settle(&mut self) {
        let needed = permits(class_of(self.bytes.capacity().min(BUFFER_BYTES_MAX))) as usize;
        drop(
            self.permit
                .num_permits()
                .checked_sub(needed)
                .and_then(|spare| self.permit.split(spare)),
        );
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let shelf = &self.memory.shared.shelf;
        let mut idle = shelf.open();
        if bytes.capacity() == capacity(self.class) && idle.made_bytes <= shelf.bytes_max {
            bytes.clear();
            idle.idle[self.class].push(bytes);
        } else {
            idle.made_bytes -= capacity(self.class);
        }
    }
}

fn class_of(length: usize) -> usize {
    assert!(
        length <= BUFFER_BYTES_MAX,
        "a buffer of {length} bytes was asked for"
    );
    let rounded = length
        .saturating_sub(HEADER_ROOM)
        .max(1 << CLASS_SHIFT_MIN)
        .next_power_of_two();
    (rounded.trailing_zeros() - CLASS_SHIFT_MIN) as usize
}

fn capacity(class: usize) -> usize {
    (1 << (CLASS_SHIFT_MIN as usize + class)) + HEADER_ROOM
}

fn permits(class: usize) -> u32 {
    (capacity(class) / HEADER_ROOM) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_asked_for() {
        for (length, expected) in [
            (0, 0),
            (65_536, 0),
            (65_536 + 4096, 0),
            (65_536 + 4097, 1),
            ((4 << 20) + 44, 6),
            ((16 << 20) + 44, 8),
            (BUFFER_BYTES_MAX, 8),
        ] {
            assert_eq!(class_of(length), expected, "{length}");
            assert!(capacity(class_of(length)) >= length, "{length}");
        }
    }

    #[test]
    fn buffers_are_reused_and_the_budget_holds() {
        let memory = Memory::new(32 << 20);
        let mut first = memory.try_take(4 << 20).expect("fits");
        first.bytes_mut().extend_from_slice(b"old");
        let place = first.as_ref().as_ptr();
        drop(first);
        let again = memory.try_take(4 << 20).expect("fits");
        assert_eq!((again.as_ref().len(), again.as_ref().as_ptr()), (0, place));

        let second = memory.try_take(16 << 20).expect("fits");
        assert!(memory.try_take(16 << 20).is_none(), "over the budget");
        drop((again, second));
        let made = |memory: &Memory| memory.shared.shelf.open().made_bytes;
        let all: Vec<_> = std::iter::from_fn(|| memory.try_take(1 << 20)).collect();
        assert_eq!(all.len(), 31);
        drop(all);
        let mut unsure = memory.try_take(0).expect("fits");
        drop(unsure);
        unsure = futures_util::FutureExt::now_or_never(memory.take_any(100)).expect("fits");
        unsure.bytes_mut().extend_from_slice(&[7; 200_000]);
        unsure.settle();
        assert!(
            memory.try_take(16 << 20).is_some(),
            "what was not needed is free again"
        );
        drop(unsure);
        assert!(
            made(&memory) <= 32 << 20,
            "idle buffers of other classes made room: {}",
            made(&memory)
        );
    }

    /// Each user who came and went left his buffers behind with the allocator.
    #[test]
    fn budgets_beside_each_other_keep_no_more_than_one() {
        let memory = Memory::new(BUFFER_BYTES_MAX);
        let made = || memory.shared.shelf.open().made_bytes;
        for _ in 0..3 {
            let own = memory.beside(2 * BUFFER_BYTES_MAX);
            let held: Vec<_> = [&own, &memory, &own]
                .map(|memory| memory.try_take(BUFFER_BYTES_MAX).expect("fits"))
                .into();
            assert!(own.try_take(0).is_none() && memory.try_take(0).is_none());
            assert_eq!(made(), 3 * BUFFER_BYTES_MAX);
            drop(held);
            assert_eq!(made(), BUFFER_BYTES_MAX);
        }
    }

    #[test]
    fn a_share_has_room_of_its_own() {
        use futures_util::FutureExt as _;
        let common = Memory::new(BUFFER_BYTES_MAX);
        let new = || Memory::new(BUFFER_BYTES_MAX);
        let share = || Share::new([&common, &new(), &new()], &Arc::default());
        let (first, second) = (share(), share());
        let stalled: Vec<_> = (0..3).map(|_| first.take_any(1).now_or_never()).collect();
        assert!(
            stalled.iter().all(Option::is_some),
            "one of all, one of its user, one of its datastore"
        );
        assert!(first.take_any(1).now_or_never().is_none());
        assert!(
            second.take_any(1).now_or_never().is_some(),
            "another user goes on"
        );
    }

    /// A client with a narrow line that had asked for several chunks was given up because of the requests that it had made itself.
    #[test]
    fn who_waits_for_his_own_does_not_press_himself() {
        use futures_util::FutureExt as _;
        let (memory, wanted) = (Memory::new(BUFFER_BYTES_MAX), Arc::default());
        let share = || Share::new([&memory, &memory, &memory], &wanted);
        let (holder, other) = (share(), share());
        let held = holder.take_any(1).now_or_never().expect("room");
        let mut own = Box::pin(holder.take_any(1));
        assert!(own.as_mut().now_or_never().is_none());
        assert!(!holder.is_wanted() && other.is_wanted());
        let mut others = Box::pin(other.take_any(1));
        assert!(others.as_mut().now_or_never().is_none());
        assert!(holder.is_wanted() && other.is_wanted());
        drop((own, others));
        assert!(!holder.is_wanted() && !other.is_wanted());
        drop(held);
    }
}
