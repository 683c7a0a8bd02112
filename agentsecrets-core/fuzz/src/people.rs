//! Texts that people hand to each other: identity strings, recipients, words, invitation codes.

use agentsecrets_core::{
    encoding::{Head, encode},
    fingerprint::HeadFile,
    identity::{Identity, IdentityString, Kind, Recipient},
    invitation::{Invitation, InvitationReply},
};

/// Identity strings, recipients and the words of a seed: each has one form.
pub fn identity(data: &[u8]) {
    if let Ok(recipient) = Recipient::from_bytes(data) {
        assert_eq!(encode(&recipient), data);
        // Its own signature over itself may not fit; reading must not depend on it.
        let _ = recipient.verify();
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(string) = IdentityString::parse(text) {
        assert_eq!(string.expose().expose(), text.trim().as_bytes());
        let _ = string.into_identity();
    }
    if let Ok(recipient) = Recipient::parse(text) {
        assert_eq!(recipient.to_string(), text.trim());
    }
    if let Ok(identity) = Identity::from_words(text, Kind::Human) {
        let words = identity.expose_words();
        let words = std::str::from_utf8(words.expose()).expect("words are text");
        let again = Identity::from_words(words, Kind::Human).expect("own words");
        assert_eq!(again.id(), identity.id());
    }
}

/// Invitation codes, the replies to them, and heads as text.
pub fn invitation(data: &[u8]) {
    if let Ok(reply) = InvitationReply::parse(data) {
        assert_eq!(encode(&reply), data);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(invitation) = Invitation::parse(text) {
        // Blanks around it, from pasting, are not part of it.
        assert_eq!(invitation.expose().expose(), text.trim().as_bytes());
    }
    if let Some(head) = Head::parse(text) {
        assert_eq!(head.to_string(), text);
    }
    if let Some(file) = HeadFile::parse(text) {
        let end = |text: &str| text.trim_end_matches(['\r', '\n']).to_owned();
        assert_eq!(end(&file.to_string()), end(text));
    }
}
