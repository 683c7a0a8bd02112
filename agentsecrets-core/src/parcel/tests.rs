#![allow(clippy::unwrap_used)]

use super::*;

fn envelope() -> Envelope {
    Envelope {
        workspace: WorkspaceId([1; 32]),
        batch: BatchId([2; 16]),
        author: MemberId([3; 32]),
        recipient: MemberId([4; 32]),
        environment: EnvironmentId([5; 16]),
    }
}

fn item(name: &str, size: usize) -> ParcelItem {
    ParcelItem {
        secret: SecretId([6; 16]),
        version: 1,
        name: SecretName::parse(name).unwrap(),
        name_salt: [7; 32],
        policy: Vec::new(),
        policy_salt: [8; 32],
        salt: [9; 32],
        value: SecretBytes::new(vec![b'v'; size]),
    }
}

#[test]
fn parcels_fill_up_to_a_mebibyte_and_read_back() {
    let items: Vec<_> = (0..40).map(|n| item(&format!("N{n}"), MAX_VALUE)).collect();
    let parcels = pack(&envelope(), "production", &items.iter().collect::<Vec<_>>());
    let read: Vec<_> =
        parcels.iter().map(|padded| Parcel::parse(padded, &envelope()).unwrap()).collect();
    assert_eq!(read.iter().map(|parcel| parcel.items.len()).collect::<Vec<_>>(), [15, 15, 10]);
    assert!(parcels.iter().all(|padded| padded.len() == MAX_PARCEL));
    assert_eq!(read[1].items[0].name.as_str(), "N15");
}

#[test]
fn limits_are_as_the_specification_says() {
    assert_eq!((MAX_VALUE, MAX_POLICY), (65_536, 4096));
    assert_eq!((MAX_PARCEL, MAX_SEALED), (1_048_576, 1_048_624));
}

/// Items whose parcel under the label `e` is 1 MiB, and as many bytes more as given.
fn a_full_parcel_and(more: usize) -> Vec<ParcelItem> {
    let envelope_of_it = 4 + 3 + encode(&envelope()).len() + 4 + 1 + 4;
    let mut items: Vec<_> = (10..25).map(|n| item(&format!("N{n}"), MAX_VALUE)).collect();
    let so_far: usize = items.iter().map(|item| encode(item).len()).sum();
    let rest = MAX_PARCEL + more - envelope_of_it - so_far - encode(&item("L", 0)).len();
    items.push(item("L", rest));
    items
}

#[test]
fn a_parcel_is_filled_to_its_last_byte_and_not_beyond() {
    for (more, counts) in [(0, &[16][..]), (1, &[15, 1])] {
        let items = a_full_parcel_and(more);
        let parcels = pack(&envelope(), "e", &items.iter().collect::<Vec<_>>());
        let read = parcels.iter().map(|padded| Parcel::parse(padded, &envelope()).unwrap());
        assert!(read.map(|parcel| parcel.items.len()).eq(counts.iter().copied()), "{more}");
        assert_eq!(parcels[0].len(), MAX_PARCEL);
    }
}

#[test]
fn an_items_size_is_the_one_of_its_bytes() {
    let mut item = item("ABC", 7);
    item.policy = vec![1; 5];
    assert_eq!(item_size(&item), encode(&item).len());
}

#[test]
fn a_value_or_a_policy_over_its_limit_is_refused() {
    for (value, policy, good) in [
        (MAX_VALUE, MAX_POLICY, true),
        (MAX_VALUE + 1, MAX_POLICY, false),
        (MAX_VALUE, MAX_POLICY + 1, false),
        (MAX_VALUE + 1, MAX_POLICY + 1, false),
    ] {
        let mut second = item("B", value);
        second.policy = vec![1; policy];
        let padded = pack_one(&envelope(), "e", &[&item("A", 1), &second]);
        let code = Parcel::parse(&padded, &envelope()).map(drop).map_err(|error| error.code());
        let expected = if good { Ok(()) } else { Err(ErrorCode::ParcelMismatch) };
        assert_eq!(code, expected, "{value} {policy}");
    }
}

#[test]
fn only_the_tightest_padding_of_zeros_is_read() {
    let padded = pack_one(&envelope(), "e", &[&item("A", 1)]);
    assert!(Parcel::parse(&padded, &envelope()).is_ok());
    let wider = [padded.as_slice(), &vec![0; padded.len()]].concat();
    assert!(Parcel::parse(&wider, &envelope()).is_err(), "the next bucket");
    let longer = [padded.as_slice(), &[0]].concat();
    assert!(Parcel::parse(&longer, &envelope()).is_err(), "no bucket");
    let length = u32::from_le_bytes(padded[..4].try_into().unwrap()) as usize;
    assert!(Parcel::parse(&padded[..4 + length], &envelope()).is_err(), "no padding");
    assert!((0..4).all(|short| Parcel::parse(&padded[..short], &envelope()).is_err()));
    let mut beyond = padded.to_vec();
    beyond[..4].copy_from_slice(&(padded.len() as u32 - 3).to_le_bytes());
    assert!(Parcel::parse(&beyond, &envelope()).is_err(), "a length beyond the end");
}

#[test]
fn a_copy_for_another_recipient_is_the_same_item() {
    let mut item = item("A", 3);
    item.policy = vec![1, 2];
    assert_eq!(encode(&item.expose_copy()), encode(&item));
}

#[test]
fn a_text_of_an_item_names_secret_and_version_alone() {
    let text = format!("{:?}", item("HIDDEN", 3));
    assert!(text.starts_with("ParcelItem { secret: ") && text.ends_with("version: 1, .. }"));
    assert!(!text.contains("HIDDEN") && !text.contains("vvv"));
}

#[test]
fn salts_are_what_the_entropy_gives_next() {
    let (mut one, mut other) = (Entropy::new([1; 32]), Entropy::new([1; 32]));
    let (first, second) = (salt(&mut one), salt(&mut one));
    assert_eq!([first, second], [other.bytes(), other.bytes()]);
    assert!(first != second && first != [0; 32]);
}

#[test]
fn length_shows_only_the_bucket() {
    let length = |size| pack(&envelope(), "e", &[&item("A", size)])[0].len();
    assert_eq!(length(0), length(20));
    assert_eq!(length(3000), 4096);
    assert_eq!(item_size(&item("AB", 5)), encode(&item("AB", 5)).len());
}

#[test]
fn a_parcel_counts_only_under_the_entry_that_it_names() {
    let padded = &pack(&envelope(), "e", &[&item("A", 1)])[0];
    let others = [
        Envelope { workspace: WorkspaceId([0; 32]), ..envelope() },
        Envelope { batch: BatchId([0; 16]), ..envelope() },
        Envelope { author: MemberId([0; 32]), ..envelope() },
        Envelope { recipient: MemberId([0; 32]), ..envelope() },
        Envelope { environment: EnvironmentId([0; 16]), ..envelope() },
    ];
    assert!(others.iter().all(|other| Parcel::parse(padded, other).is_err()));
    let mut other = padded.to_vec();
    *other.last_mut().unwrap() = 1;
    assert!(Parcel::parse(&other, &envelope()).is_err());
}

#[test]
fn a_commitment_is_to_every_field() {
    let commitment =
        |item: &ParcelItem| item.commitment(WorkspaceId([1; 32]), EnvironmentId([5; 16]));
    let first = commitment(&item("A", 3));
    let mut changed = [item("A", 3), item("A", 3), item("A", 3), item("B", 3), item("A", 4)];
    changed[0].version = 2;
    changed[1].policy = vec![1];
    changed[2].salt = [0; 32];
    assert!(changed.iter().all(|item| commitment(item) != first));
    assert_ne!(item("A", 3).commitment(WorkspaceId([9; 32]), EnvironmentId([5; 16])), first);
}
