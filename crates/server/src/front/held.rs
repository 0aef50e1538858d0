//! The body of an answer, together with the note that its connection is at work for somebody: the note goes when the body has been sent or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::body::Body;
use crate::front::peers::Busy;

/// A body and what it holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    body: Body,
    _work: Option<Busy>,
}

impl Held {
    pub fn new(body: Body, work: Option<Busy>) -> Held {
        Held { body, _work: work }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
