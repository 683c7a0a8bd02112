//! Bodies of answers: decoded first, so that a value has nowhere to hide.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Redactor, Stream};
use crate::error::{Error, ErrorCode, Result};

/// Most codings on top of each other.
const MOST_CODINGS: usize = 2;

/// One word of `Content-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coding {
    /// `gzip`, `x-gzip`: one or more members.
    Gzip,
    /// `deflate`: with zlib's header, as it should be, or without, as some servers do.
    Deflate,
    /// `br`.
    Brotli,
}

impl Coding {
    /// The codings of a header `Content-Encoding`, the outer first; `identity` is none.
    ///
    /// # Errors
    /// `answer_unreadable` for a coding that this build does not read, and for more than two.
    pub fn parse_all(header: &str) -> Result<Vec<Self>> {
        let words = header.split(',').map(str::trim).filter(|word| !word.is_empty());
        let codings: Result<Vec<Option<Self>>> = words.map(Self::parse).collect();
        let codings: Vec<Self> = codings?.into_iter().rev().flatten().collect();
        match codings.len() <= MOST_CODINGS {
            true => Ok(codings),
            false => Err(unreadable("the answer is encoded more than twice")),
        }
    }

    fn parse(word: &str) -> Result<Option<Self>> {
        let coding = match word.to_ascii_lowercase().as_str() {
            "identity" => return Ok(None),
            "gzip" | "x-gzip" if cfg!(feature = "gzip") => Self::Gzip,
            "deflate" if cfg!(feature = "gzip") => Self::Deflate,
            "br" if cfg!(feature = "brotli") => Self::Brotli,
            _ => return Err(not_read_here()),
        };
        Ok(Some(coding))
    }
}

/// A body on its way: decoded, bounded, and without the values of a [`Redactor`]. What comes out
/// has no content encoding any more; the header must go.
pub struct Body {
    decoders: Vec<Decoder>,
    stream: Stream,
    size: usize,
    limit: usize,
}

impl Body {
    /// A body with a header `Content-Encoding`, or an empty text; at most `limit` bytes decoded.
    ///
    /// # Errors
    /// Those of [`Coding::parse_all`].
    pub fn new(redactor: &Redactor, content_encoding: &str, limit: usize) -> Result<Self> {
        let codings = Coding::parse_all(content_encoding)?.into_iter();
        let decoders = codings.map(|coding| Decoder::new(coding, limit)).collect::<Result<_>>()?;
        Ok(Self { decoders, stream: redactor.stream(), size: 0, limit })
    }

    /// Takes the next piece as it came; gives what is ready, decoded.
    ///
    /// # Errors
    /// `answer_too_large`; `answer_unreadable` for what is not in the encoding that it claims.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        let mut text = chunk.to_vec();
        for decoder in &mut self.decoders {
            text = decoder.push(&text)?;
        }
        self.redact(&text)
    }

    /// Gives the rest.
    ///
    /// # Errors
    /// As [`push`](Self::push); `answer_unreadable` for an encoded body that was cut off.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for decoder in &mut self.decoders {
            text = decoder.push(&text)?;
            text.append(&mut decoder.finish()?);
        }
        let mut out = self.redact(&text)?;
        out.append(&mut self.stream.finish());
        Ok(out)
    }

    /// How many occurrences were replaced so far.
    pub fn found(&self) -> usize {
        self.stream.found()
    }

    fn redact(&mut self, text: &[u8]) -> Result<Vec<u8>> {
        self.size = self.size.saturating_add(text.len());
        match self.size <= self.limit {
            true => Ok(self.stream.push(text)),
            false => Err(too_large()),
        }
    }
}

/// Undoes one coding.
struct Decoder {
    writer: Box<dyn Decode>,
    sink: Sink,
}

/// What a coding's decoder must do; its output goes to a [`Sink`].
trait Decode: Write + Send {
    /// Fails where the encoded text is not at its end.
    fn end(&mut self) -> io::Result<()>;
}

impl Decoder {
    fn new(coding: Coding, limit: usize) -> Result<Self> {
        let sink =
            Sink(Arc::new(Mutex::new(Bounded { ready: Vec::new(), left: limit, full: false })));
        Ok(Self { writer: coding.decoder(sink.clone())?, sink })
    }

    fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        let written = self.writer.write_all(chunk).and_then(|()| self.writer.flush());
        self.taken(written)
    }

    fn finish(&mut self) -> Result<Vec<u8>> {
        let ended = self.writer.end();
        self.taken(ended)
    }

    fn taken(&self, done: io::Result<()>) -> Result<Vec<u8>> {
        let mut sink = self.sink.lock();
        match done {
            Ok(()) => Ok(std::mem::take(&mut sink.ready)),
            Err(_) if sink.full => Err(too_large()),
            Err(_) => Err(unreadable("the answer is not in the encoding that it claims")),
        }
    }
}

/// Where a decoder writes: never more than the limit, whatever a few bytes claim to hold.
#[derive(Clone)]
struct Sink(Arc<Mutex<Bounded>>);

struct Bounded {
    ready: Vec<u8>,
    left: usize,
    full: bool,
}

impl Sink {
    fn lock(&self) -> MutexGuard<'_, Bounded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut bounded = self.lock();
        let Some(left) = bounded.left.checked_sub(bytes.len()) else {
            bounded.full = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        bounded.left = left;
        bounded.ready.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding {
    #[cfg_attr(not(any(feature = "gzip", feature = "brotli")), expect(unused_variables))]
    fn decoder(self, sink: Sink) -> Result<Box<dyn Decode>> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => Ok(Box::new(flate2::write::MultiGzDecoder::new(sink))),
            #[cfg(feature = "gzip")]
            Self::Deflate => Ok(Box::new(inflate::Inflate::new(sink))),
            #[cfg(feature = "brotli")]
            Self::Brotli => {
                Ok(Box::new(brotli_decompressor::DecompressorWriter::new(sink, 16 << 10)))
            }
            #[cfg(not(all(feature = "gzip", feature = "brotli")))]
            _ => Err(not_read_here()),
        }
    }
}

#[cfg(feature = "gzip")]
impl Decode for flate2::write::MultiGzDecoder<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

#[cfg(feature = "brotli")]
impl Decode for brotli_decompressor::DecompressorWriter<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.close()
    }
}

#[cfg(feature = "gzip")]
mod inflate {
    use std::io::{self, Write};

    use flate2::{Decompress, FlushDecompress, Status};

    use super::{Decode, Sink};

    /// `deflate`, with zlib's header or without: its first byte tells.
    pub(super) struct Inflate {
        state: Option<Decompress>,
        ended: bool,
        sink: Sink,
    }

    impl Inflate {
        pub(super) fn new(sink: Sink) -> Self {
            Self { state: None, ended: false, sink }
        }
    }

    impl Write for Inflate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let Some(first) = bytes.first() else { return Ok(0) };
            if self.ended {
                return Err(io::ErrorKind::InvalidData.into());
            }
            // Method 8 of zlib; a raw stream that begins so would be a stored block, which ends
            // in an error here and not in text.
            let zlib = first & 0x0f == 8;
            let state = self.state.get_or_insert_with(|| Decompress::new(zlib));
            let (before, mut text) = (state.total_in(), [0; 16 << 10]);
            let written = state.total_out();
            let status = state.decompress(bytes, &mut text, FlushDecompress::None)?;
            let produced = (state.total_out() - written) as usize;
            let consumed = (state.total_in() - before) as usize;
            self.sink.write_all(&text[..produced])?;
            self.ended = status == Status::StreamEnd;
            match consumed == 0 && produced == 0 && !self.ended {
                true => Err(io::ErrorKind::InvalidData.into()),
                false => Ok(consumed),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Decode for Inflate {
        fn end(&mut self) -> io::Result<()> {
            match self.ended || self.state.is_none() {
                true => Ok(()),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

fn not_read_here() -> Error {
    unreadable("the answer comes in an encoding that is not read here")
}

fn unreadable(why: &'static str) -> Error {
    Error::new(ErrorCode::AnswerUnreadable, why)
}

fn too_large() -> Error {
    Error::new(ErrorCode::AnswerTooLarge, "the answer is longer, decoded, than it may be")
}
