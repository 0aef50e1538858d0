//! A connection that waits where a rule of traffic control says so (server.md 9.2). It stands below TLS, so that all bytes count.

use std::future::Future as _;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use format::Userid;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::context::Context;
use crate::front::delivery::Deliveries;
use crate::traffic::{Direction, LocalTime, Rule};

/// So long a choice counts, and so long at most is waited before another look: the time of a rule may be over.
const CHOICE_AGE_MAX: Duration = Duration::from_secs(5);

/// The first bytes of a connection, in each direction, are counted but never wait: enough for a handshake, a login and one small request. So whoever
/// made a rule that lets nothing through can still take it back.
const FIRST_BYTES: u64 = 16 << 10;

/// What is known of a connection: where from, whose.
#[derive(Debug)]
pub struct Origin {
    ctx: Arc<Context>,
    peer: IpAddr,
    /// What it asked for, and whether it takes it.
    pub deliveries: Deliveries,
    choice: Mutex<Choice>,
}

#[derive(Debug, Default)]
struct Choice {
    user: Option<Userid>,
    rule: Option<Arc<Rule>>,
    /// When, and of which rules; nothing before the first choice.
    made: Option<(Instant, u64)>,
}

impl Origin {
    pub fn new(ctx: Arc<Context>, peer: IpAddr) -> Arc<Origin> {
        Arc::new(Origin {
            ctx,
            peer,
            deliveries: Deliveries::default(),
            choice: Mutex::default(),
        })
    }

    /// A user has shown who he is.
    pub fn known(&self, user: &Userid) {
        let mut choice = self.choice();
        if choice.user.as_ref() != Some(user) {
            choice.user = Some(user.clone());
            choice.made = None;
        }
    }

    fn rule(&self, now: Instant) -> Option<Arc<Rule>> {
        let traffic = self.ctx.traffic();
        let generation = traffic.generation();
        let mut choice = self.choice();
        let is_good = choice.made.is_some_and(|(at, of)| {
            of == generation && now.saturating_duration_since(at) < CHOICE_AGE_MAX
        });
        if !is_good {
            let time = LocalTime::now(&self.ctx.settings().zone);
            choice.rule = traffic.choose(self.peer, choice.user.as_ref(), time);
            choice.made = Some((now, generation));
        }
        choice.rule.clone()
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that waits before it moves bytes, if there were too many just now.
#[derive(Debug)]
pub struct Throttled<S> {
    stream: S,
    origin: Arc<Origin>,
    reading: Way,
    writing: Way,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Way {
    pause: Option<Pin<Box<Sleep>>>,
    /// Bytes so far.
    moved: u64,
}

impl Way {
    fn count(&mut self, bytes: usize, direction: Option<&Direction>) {
        self.moved = self.moved.saturating_add(bytes as u64);
        if let Some(direction) = direction {
            direction.count(bytes, Instant::now());
        }
    }
}

impl<S> Throttled<S> {
    pub fn new(stream: S, origin: Arc<Origin>) -> Throttled<S> {
        Throttled {
            stream,
            origin,
            reading: Way::default(),
            writing: Way::default(),
        }
    }
}

/// Ready with the direction to count in once nobody need wait any more; nothing if no rule is for the connection.
fn ready(
    origin: &Origin,
    way: &mut Way,
    direction: fn(&Rule) -> &Arc<Direction>,
    cx: &mut Poller<'_>,
) -> Poll<Option<Arc<Direction>>> {
    loop {
        if let Some(sleep) = &mut way.pause {
            std::task::ready!(sleep.as_mut().poll(cx));
            way.pause = None;
        }
        let now = Instant::now();
        let Some(rule) = origin.rule(now) else {
            return Poll::Ready(None);
        };
        let direction = direction(&rule);
        if way.moved < FIRST_BYTES {
            return Poll::Ready(Some(Arc::clone(direction)));
        }
        match direction.wait(now) {
            Duration::ZERO => return Poll::Ready(Some(Arc::clone(direction))),
            wait => way.pause = Some(Box::pin(tokio::time::sleep(wait.min(CHOICE_AGE_MAX)))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Throttled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Poller<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let direction = std::task::ready!(ready(&this.origin, &mut this.reading, inward, cx));
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = &read {
            this.reading
                .count(buf.filled().len() - before, direction.as_deref());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> Throttled<S> {
    /// Writes once it may.
    fn written(
        &mut self,
        cx: &mut Poller<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Poller<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let direction = std::task::ready!(ready(&self.origin, &mut self.writing, outward, cx));
        let written = write(Pin::new(&mut self.stream), cx);
        self.origin.deliveries.blocked(written.is_pending());
        if let Poll::Ready(Ok(bytes)) = &written {
            self.writing.count(*bytes, direction.as_deref());
        }
        written
    }
}

fn inward(rule: &Rule) -> &Arc<Direction> {
    &rule.inward
}

fn outward(rule: &Rule) -> &Arc<Direction> {
    &rule.outward
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Throttled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Poller<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Poller<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.written(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
