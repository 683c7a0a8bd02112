//! An identity as a program sees it: the word for its kind, and many boxes opened in one call.

#![allow(clippy::unwrap_used)]

use agentsecrets_core::{
    ErrorCode,
    crypto::Entropy,
    identity::{Identity, Kind},
    sealed_box,
    secret::Key,
};

#[test]
fn each_kind_has_one_word_that_reads_back() {
    let kinds = [Kind::Human, Kind::Agent, Kind::Ci, Kind::Recovery];
    let words = ["human", "agent", "ci", "recovery"];
    assert_eq!(kinds.map(|kind| kind.to_string()), words);
    assert_eq!(words.map(Kind::parse), kinds.map(Some));
    assert_eq!(Kind::parse("robot"), None);
}

#[test]
fn of_many_boxes_each_is_opened_or_refused_in_its_place() {
    let [mine, other] = [1, 2].map(|seed| Identity::from_seed(Key::new([seed; 32]), Kind::Human));
    let mut entropy = Entropy::new([3; 32]);
    let mut seal =
        |to: &Identity, text: &[u8]| sealed_box::seal(to.recipient().box_key(), text, &mut entropy);
    let sealed = [seal(&mine, b"fake-1"), seal(&other, b"fake-2"), seal(&mine, b"")];
    let opened = mine.open_many(&sealed.each_ref().map(|sealed| sealed.as_slice()));
    let opened = opened.iter().map(|opened| match opened {
        Ok(value) => Ok(value.expose()),
        Err(error) => Err(error.code()),
    });
    let expected: [Result<&[u8], ErrorCode>; 3] =
        [Ok(b"fake-1"), Err(ErrorCode::OpenFailed), Ok(b"")];
    assert!(opened.eq(expected));
}
