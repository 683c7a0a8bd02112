//! What people read to each other: the fingerprint of one recipient, the safety number of a pair,
//! the words of a head.

use std::fmt;

use crate::{
    crypto::{hash, hash_long, label},
    encoding::{Head, MemberId, WorkspaceId, to_hex},
};

/// Fingerprint of one member: 128 bits as eight groups of four hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of a member's id.
    pub fn of(member: &MemberId) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash(label::FINGERPRINT, &[&member.0])[..16]);
        Self(bytes)
    }

    /// Whether the text is this fingerprint, whatever its case and its separators.
    pub fn is(&self, text: &str) -> bool {
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ' | ':')).collect();
        digits.eq_ignore_ascii_case(&to_hex(&self.0))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.0.chunks(2).map(to_hex).collect();
        f.write_str(&groups.join("-"))
    }
}

/// Sixty digits that two members of a workspace compare; the order of the two does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber(String);

impl SafetyNumber {
    /// Of a pair in a workspace: twelve groups of five digits, about 199 bits.
    pub fn of(workspace: &WorkspaceId, one: &MemberId, other: &MemberId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let bytes: [u8; 96] = hash_long(label::SAFETY_NUMBER, &[&workspace.0, &low.0, &high.0]);
        let groups: Vec<String> =
            bytes.as_chunks::<8>().0.iter().map(|chunk| group(*chunk)).collect();
        Self(groups.join(" "))
    }
}

/// Five digits of 64 bits: the bias of the remainder is below 2^-47.
fn group(chunk: [u8; 8]) -> String {
    format!("{:05}", u64::from_le_bytes(chunk) % 100_000)
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Eight words of a head, 88 bits, for the voice: two devices with one history read the same.
pub fn head_words(workspace: &WorkspaceId, head: &Head) -> String {
    let bits = hash(label::HEAD_WORDS, &[&workspace.0, &head.seq.to_le_bytes(), &head.hash.0]);
    let list = bip39::Language::English.word_list();
    // Eleven bits a word, most significant first.
    let bit = |place: usize| usize::from(bits[place / 8] >> (7 - place % 8) & 1);
    let index = |word: usize| (0..11).fold(0, |index, place| index << 1 | bit(word * 11 + place));
    let words: Vec<&str> = (0..8).map(|word| list[index(word)]).collect();
    words.join(" ")
}

/// The line of `.agentsecrets.head`, which a team may commit: nobody rolls it back unnoticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadFile {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its head when the line was written.
    pub head: Head,
}

impl HeadFile {
    /// Name of the file.
    pub const NAME: &str = ".agentsecrets.head";

    /// Reads the line, which has one form; git may have changed how it ends.
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (workspace, head) = line.strip_prefix("agentsecrets-head v1 ")?.split_once(' ')?;
        let workspace = WorkspaceId::from_hex(workspace)?;
        let file = Self { workspace, head: Head::parse(head)? };
        (file.to_string().trim_end() == line).then_some(file)
    }
}

impl fmt::Display for HeadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "agentsecrets-head v1 {} {}", self.workspace, self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safety_number_is_sixty_digits_whoever_asks_and_another_one_elsewhere() {
        let (a, b, workspace) = (MemberId([1; 32]), MemberId([2; 32]), WorkspaceId([3; 32]));
        let number = SafetyNumber::of(&workspace, &a, &b);
        assert_eq!(number, SafetyNumber::of(&workspace, &b, &a));
        assert_eq!(number.to_string().chars().filter(char::is_ascii_digit).count(), 60);
        assert_ne!(number, SafetyNumber::of(&WorkspaceId([4; 32]), &a, &b));
        assert_ne!(number, SafetyNumber::of(&workspace, &a, &MemberId([5; 32])));
    }

    #[test]
    fn fingerprint_is_recognised_in_any_writing() {
        let fingerprint = Fingerprint::of(&MemberId([1; 32]));
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 39);
        assert!(fingerprint.is(&text) && fingerprint.is(&text.to_uppercase().replace('-', " ")));
        assert!(!fingerprint.is(&text[..10]));
    }
}
