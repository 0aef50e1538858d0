//! The second part of a connection: requests, answered one after the other.
//!
//! A reply goes out in blocks of at most [`BLOCK_MAX`] bytes, so a connection never holds more. An error that comes after the
//! reply's header went out can only end the connection.

use std::io::{self, Read, Write as _};

use super::socket::Stream;
use super::wire::{REQUEST_LEN, Request, SIMPLE_REPLY_LEN, command, error, simple_reply};
use super::{BLOCK_MAX, Complain, Export};

/// Bytes of one request. The protocol wants at least this to work for clients that did not ask.
const REQUEST_BYTES_MAX: u32 = 32 << 20;
/// Bytes of a refused write that are read at a time.
const DISCARD_LEN: usize = 64 << 10;

/// Serves until the client goes away; an error is one of the connection, or a client that does not follow the protocol.
pub(super) fn transmit(stream: &Stream, export: &Export, complain: &Complain) -> io::Result<()> {
    let mut input = stream;
    let mut buffer = Vec::new();
    loop {
        let mut bytes = [0; REQUEST_LEN];
        match input.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "this is no NBD request");
        let request = Request::decode(&bytes).ok_or_else(broken)?;
        match request.command {
            command::READ => read(stream, export, complain, &request, &mut buffer)?,
            command::WRITE => {
                if request.len > REQUEST_BYTES_MAX {
                    return Err(broken());
                }
                discard(input, request.len)?;
                answer(stream, &request, error::PERMISSION)?;
            }
            command::DISCONNECT => return Ok(()),
            command::FLUSH => answer(stream, &request, 0)?,
            command::TRIM | command::WRITE_ZEROES => {
                answer(stream, &request, error::PERMISSION)?;
            }
            _ => answer(stream, &request, error::INVALID)?,
        }
    }
}

fn read(
    mut stream: &Stream,
    export: &Export,
    complain: &Complain,
    request: &Request,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    let len = u64::from(request.len);
    let end = request.offset.checked_add(len);
    let inside = end.is_some_and(|end| end <= export.size());
    if !inside || request.flags != 0 || request.len > REQUEST_BYTES_MAX {
        return answer(stream, request, error::INVALID);
    }
    // The header and the first block travel together.
    let mut head = SIMPLE_REPLY_LEN;
    let mut done = 0;
    buffer.resize(head, 0);
    buffer[..head].copy_from_slice(&simple_reply(0, request.cookie));
    loop {
        let block = (len - done).min(BLOCK_MAX as u64);
        buffer.resize(head + block as usize, 0);
        let content = &mut buffer[head..];
        if let Err(cause) = export.read(content, request.offset + done) {
            let text = cause.to_string();
            complain(&cause);
            if head == 0 {
                return Err(io::Error::other(text));
            }
            return answer(stream, request, error::IO);
        }
        stream.write_all(buffer)?;
        done += block;
        if done == len {
            return Ok(());
        }
        head = 0;
    }
}

fn answer(mut stream: &Stream, request: &Request, error: u32) -> io::Result<()> {
    stream.write_all(&simple_reply(error, request.cookie))
}

fn discard(input: impl Read, len: u32) -> io::Result<()> {
    let mut left = input.take(len.into());
    let mut scrap = vec![0; DISCARD_LEN.min(len as usize)];
    while left.limit() > 0 {
        if left.read(&mut scrap)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}
