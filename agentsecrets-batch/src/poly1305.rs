//! Poly1305 (RFC 8439, section 2.5) of one message, in three limbs of 44, 44 and 42 bits.

const M44: u64 = (1 << 44) - 1;
const M42: u64 = (1 << 42) - 1;

/// The Poly1305 tag of a message under a key that is used for it alone. For short messages: it has no set-up, where an
/// implementation for long ones first makes powers of the key.
pub fn tag(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let (r, s) = (word_pair(key, 0), word_pair(key, 16));
    let r = [
        r[0] & 0xffc_0fff_ffff,
        (r[0] >> 44 | r[1] << 20) & 0xfff_ffc0_ffff,
        r[1] >> 24 & 0x00f_ffff_fc0f,
    ];
    let (blocks, rest) = message.as_chunks::<16>();
    let mut h = [0; 3];
    for block in blocks {
        h = absorb(h, r, block, 1 << 40);
    }
    if !rest.is_empty() {
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 1;
        h = absorb(h, r, &last, 0);
    }
    finish(h, s)
}

fn word_pair(bytes: &[u8], at: usize) -> [u64; 2] {
    let word = |at: usize| {
        bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |word| u64::from_le_bytes(*word))
    };
    [word(at), word(at + 8)]
}

/// (h + block) r modulo 2^130 - 5, with limbs that overlap by a few bits.
#[inline(always)]
fn absorb(h: [u64; 3], r: [u64; 3], block: &[u8; 16], mark: u64) -> [u64; 3] {
    let [low, high] = word_pair(block, 0);
    let h = [
        h[0] + (low & M44),
        h[1] + ((low >> 44 | high << 20) & M44),
        h[2] + (high >> 24 & M42 | mark),
    ];
    let times = |a: u64, b: u64| u128::from(a) * u128::from(b);
    // 2^132 is 20 modulo p.
    let (r1, r2) = (20 * r[1], 20 * r[2]);
    let sums = [
        times(h[0], r[0]) + times(h[1], r2) + times(h[2], r1),
        times(h[0], r[1]) + times(h[1], r[0]) + times(h[2], r2),
        times(h[0], r[2]) + times(h[1], r[1]) + times(h[2], r[0]),
    ];
    let middle = sums[1] + (sums[0] >> 44);
    let top = sums[2] + (middle >> 44);
    let low = (sums[0] as u64 & M44) + 5 * (top >> 42) as u64;
    [low & M44, (middle as u64 & M44) + (low >> 44), top as u64 & M42]
}

fn finish(h: [u64; 3], s: [u64; 2]) -> [u8; 16] {
    let [h0, h1, h2] = carried(h);
    // h - p, taken where h is at least p.
    let g0 = h0 + 5;
    let g1 = h1 + (g0 >> 44);
    let g2 = h2.wrapping_add(g1 >> 44).wrapping_sub(1 << 42);
    let keep = (g2 >> 63).wrapping_neg();
    let pick = |h: u64, g: u64| h & keep | g & !keep;
    let (h0, h1, h2) = (pick(h0, g0 & M44), pick(h1, g1 & M44), pick(h2, g2 & M42));
    let sum = (u128::from(h0) | u128::from(h1) << 44 | u128::from(h2) << 88)
        .wrapping_add(u128::from(s[0]) | u128::from(s[1]) << 64);
    sum.to_le_bytes()
}

/// Limbs within their bits; once around is enough for what [`absorb`] gives.
fn carried([h0, h1, h2]: [u64; 3]) -> [u64; 3] {
    let h1 = h1 + (h0 >> 44);
    let h2 = h2 + (h1 >> 44);
    let h0 = (h0 & M44) + 5 * (h2 >> 42);
    [h0 & M44, (h1 & M44) + (h0 >> 44), h2 & M42]
}
