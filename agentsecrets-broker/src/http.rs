//! As much of HTTP/1.1 as a loopback listener needs: one request a connection, read strictly.

use std::io::{BufRead, BufReader, Read, Write};

/// Longest head in bytes.
const MAX_HEAD: u64 = 64 << 10;
/// Longest body in bytes.
const MAX_BODY: u64 = 32 << 20;

/// A request as it came in.
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    /// The one value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Reads one request; `None` for anything that is none, is too long or could be read in two ways.
pub(crate) fn read<S: Read + Write>(stream: &mut S) -> Option<Incoming> {
    let mut reader = BufReader::new(stream);
    let mut head = (&mut reader).take(MAX_HEAD);
    let line = line(&mut head)?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if version != "HTTP/1.1" || words.next().is_some() || !target.starts_with('/') {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let line = self::line(&mut head)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        headers.push((token.then(|| name.to_ascii_lowercase())?, value.trim().to_owned()));
    }
    let mut incoming =
        Incoming { method: method.to_owned(), target: target.to_owned(), headers, body: vec![] };
    incoming.body = body(&incoming, &mut reader)?;
    Some(incoming)
}

fn line(head: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    head.read_line(&mut line).ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}

fn body<S: Read + Write>(incoming: &Incoming, reader: &mut BufReader<&mut S>) -> Option<Vec<u8>> {
    let count = |name| incoming.headers.iter().filter(|(n, _)| n == name).count();
    if count("content-length") + count("transfer-encoding") > 1 {
        return None;
    }
    if incoming.header("expect").is_some() {
        reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = Vec::new();
    if let Some(coding) = incoming.header("transfer-encoding") {
        return if coding.eq_ignore_ascii_case("chunked") { chunked(reader) } else { None };
    }
    let length = incoming.header("content-length").map_or(Some(0), number)?;
    if length > MAX_BODY {
        return None;
    }
    reader.take(length).read_to_end(&mut body).ok()?;
    (body.len() as u64 == length).then_some(body)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn chunked(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = line(&mut reader.take(1 << 10))?;
        let size = line.split(';').next()?.trim();
        let size = u64::from_str_radix(size, 16).ok().filter(|size| *size <= MAX_BODY)?;
        if body.len() as u64 + size > MAX_BODY {
            return None;
        }
        if size == 0 {
            while !self::line(&mut reader.take(1 << 10))?.is_empty() {}
            return Some(body);
        }
        let before = body.len() as u64;
        reader.take(size).read_to_end(&mut body).ok()?;
        let whole = body.len() as u64 == before + size;
        (whole && self::line(&mut reader.take(2))?.is_empty()).then_some(())?;
    }
}

/// Writes the head of an answer whose body follows in [`chunk`]s.
pub(crate) fn write_head(
    stream: &mut impl Write,
    status: u16,
    headers: &[(String, String)],
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} \r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("transfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())
}

/// Writes a piece of a body; an empty one ends it.
pub(crate) fn chunk(stream: &mut impl Write, piece: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
    stream.write_all(piece)?;
    stream.write_all(b"\r\n")?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes in, and what is written back.
    struct Wire<'a>(&'a [u8], Vec<u8>);

    impl Read for Wire<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(out)
        }
    }

    impl Write for Wire<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn body(text: &str) -> Option<Vec<u8>> {
        read(&mut Wire(text.as_bytes(), Vec::new())).map(|incoming| incoming.body)
    }

    #[test]
    fn a_body_has_one_length() {
        let plain = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcdef";
        assert_eq!(body(plain), Some(b"abc".to_vec()));
        let chunked = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n";
        assert_eq!(body(chunked), Some(b"abcd".to_vec()));
        assert_eq!(body("GET / HTTP/1.1\r\n\r\n"), Some(vec![]));
    }

    #[test]
    fn what_two_programs_could_read_differently_is_refused() {
        for text in [
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nabc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc",
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET http://other/ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / x HTTP/1.1\r\n\r\n",
            "GET /",
        ] {
            assert_eq!(body(text), None, "{text:?}");
        }
        let endless = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", "a: b\r\n".repeat(20_000));
        assert_eq!(body(&endless), None);
    }

    #[test]
    fn who_waits_for_leave_to_send_a_body_gets_it() {
        let text = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na";
        let mut wire = Wire(text.as_bytes(), Vec::new());
        assert!(read(&mut wire).is_some_and(|incoming| incoming.body == b"a"));
        assert_eq!(wire.1, b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}
