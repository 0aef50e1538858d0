//! The body of an answer on its way: it goes in small pieces, so that is seen whether the client takes them, and it holds the note that its
//! connection is at work for somebody until it has been sent or given up.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::body::Body;
use crate::front::delivery::{Load, PIECE_BYTES};
use crate::front::peers::Busy;

/// A body and what it holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    body: Body,
    /// What came from the body and was not yet given.
    rest: Bytes,
    load: Arc<Load>,
    _work: Option<Busy>,
}

impl Held {
    pub fn new(body: Body, load: Arc<Load>, work: Option<Busy>) -> Held {
        load.more(!http_body::Body::is_end_stream(&body));
        Held {
            body,
            rest: Bytes::new(),
            load,
            _work: work,
        }
    }
}

/// Wakes whoever asks for the next piece, and notes that there is one: from now on it is the client who is waited for, who may have closed its window.
struct Noting {
    load: Weak<Load>,
    waker: Waker,
}

impl Wake for Noting {
    fn wake(self: Arc<Noting>) {
        if let Some(load) = self.load.upgrade() {
            load.more(true);
        }
        self.waker.wake_by_ref();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.more(false);
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        while this.rest.is_empty() {
            // Until there is something it is not the client who is waited for.
            this.load.more(false);
            let noting = Waker::from(Arc::new(Noting {
                load: Arc::downgrade(&this.load),
                waker: cx.waker().clone(),
            }));
            let mut cx = Context::from_waker(&noting);
            match ready!(Pin::new(&mut this.body).poll_frame(&mut cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        Poll::Ready(Some(Ok(Frame::data(this.load.piece(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.body.size_hint().exact() {
            Some(left) => SizeHint::with_exact(left.saturating_add(self.rest.len() as u64)),
            None => SizeHint::default(),
        }
    }
}
