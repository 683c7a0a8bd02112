//! Seals and opens by lines, so that programs in other languages can be held against this library.
//!
//! `tools/interop/run` drives it. A line is a command and hexadecimal words, `-` is no bytes; the
//! answer is one line, `refused` where a key or a box is none. The seed stands for the random bytes:
//! nothing but a test may choose it.
//!
//! ```text
//! public SECRET                  the public key
//! seal SEED PUBLIC MESSAGE       the ephemeral secret, then the sealed box
//! open SECRET SEALED             the message
//! box SEED SECRET PUBLIC MESSAGE the nonce with the box
//! unbox SECRET PUBLIC BOXED      the message
//! ```

use std::io::{self, BufRead, Write};

use agentsecrets_core::{
    crypto::{self, BoxPublicKey, BoxSecretKey, Entropy},
    encoding::{from_hex, to_hex},
    sealed_box,
    secret::Key,
};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = answer(&line?).unwrap_or_else(|| "refused".to_owned());
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Option<String> {
    match *line.split(' ').collect::<Vec<_>>().as_slice() {
        ["public", key] => Some(show(secret(key)?.public_key().as_bytes())),
        ["seal", seed, to, message] => {
            let ephemeral = entropy(seed)?.key();
            let sealed = sealed_box::seal(&public(to)?, &bytes(message)?, &mut entropy(seed)?);
            Some(format!("{} {}", show(ephemeral.expose()), show(&sealed)))
        }
        ["open", key, sealed] => {
            let message = sealed_box::open(&secret(key)?, &bytes(sealed)?).ok()?;
            Some(show(message.expose()))
        }
        ["box", seed, from, to, message] => {
            let (from, to) = (secret(from)?, public(to)?);
            Some(show(&crypto::crypto_box(&from, &to, &bytes(message)?, &mut entropy(seed)?)))
        }
        ["unbox", key, from, boxed] => {
            let message = crypto::crypto_box_open(&secret(key)?, &public(from)?, &bytes(boxed)?)?;
            Some(show(message.expose()))
        }
        _ => None,
    }
}

fn bytes(word: &str) -> Option<Vec<u8>> {
    from_hex(word.trim_start_matches('-'))
}

fn show(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { to_hex(bytes) }
}

fn entropy(word: &str) -> Option<Entropy> {
    Some(Entropy::new(bytes(word)?.try_into().ok()?))
}

fn secret(word: &str) -> Option<BoxSecretKey> {
    Some(BoxSecretKey::new(Key::from_slice(&bytes(word)?)?))
}

fn public(word: &str) -> Option<BoxPublicKey> {
    BoxPublicKey::parse(bytes(word)?.try_into().ok()?).ok()
}
