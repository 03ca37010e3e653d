//! The kinds of body that an answer from the gate can have.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use crate::delivery::direct_body::DirectBody;
use crate::delivery::file_body::FileBody;
use crate::delivery::stream_body::StreamBody;

/// What follows a head.
pub enum DataBody {
    /// Nothing, but a body of this length would follow if it had been GET.
    Head(u64),
    /// Nothing.
    Empty,
    /// A file of this machine, or parts of it.
    File(Box<FileBody>),
    /// One part of a large file of this machine, past the dispatcher.
    Direct(Box<DirectBody>),
    /// What is made piece by piece.
    Stream(Box<StreamBody>),
}

impl MessageBody for DataBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        match self {
            Self::Head(length) => BodySize::Sized(*length),
            Self::Empty => BodySize::None,
            Self::File(file) => file.size(),
            Self::Direct(file) => file.size(),
            Self::Stream(stream) => stream.size(),
        }
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.get_mut() {
            Self::Head(_) | Self::Empty => Poll::Ready(None),
            Self::File(file) => Pin::new(file).poll_next(context),
            Self::Direct(file) => Pin::new(file).poll_next(context),
            Self::Stream(stream) => Pin::new(stream).poll_next(context),
        }
    }
}
