//! What a batch leaves behind in registers and below the stack's end.

#![allow(unsafe_code)] // One of the crate's places; see lib.rs.

/// Clears all vector registers, and as much of the stack as a batch took.
pub(crate) fn wipe() {
    stack();
    // SAFETY: every register that is written is named; the processor has AVX-512, or no batch had run.
    unsafe { registers() };
}

/// Words of the stack that are cleared: more than the deepest call took, as a test shows.
const STACK: usize = 4096;

#[inline(never)]
fn stack() {
    let mut room = [0_u64; STACK];
    zeroize::Zeroize::zeroize(&mut room);
}

#[target_feature(enable = "avx512f")]
unsafe fn registers() {
    // SAFETY: as declared to the compiler.
    unsafe {
        core::arch::asm!(
            "vzeroall",
            "vpxord zmm16, zmm16, zmm16", "vpxord zmm17, zmm17, zmm17", "vpxord zmm18, zmm18, zmm18",
            "vpxord zmm19, zmm19, zmm19", "vpxord zmm20, zmm20, zmm20", "vpxord zmm21, zmm21, zmm21",
            "vpxord zmm22, zmm22, zmm22", "vpxord zmm23, zmm23, zmm23", "vpxord zmm24, zmm24, zmm24",
            "vpxord zmm25, zmm25, zmm25", "vpxord zmm26, zmm26, zmm26", "vpxord zmm27, zmm27, zmm27",
            "vpxord zmm28, zmm28, zmm28", "vpxord zmm29, zmm29, zmm29", "vpxord zmm30, zmm30, zmm30",
            "vpxord zmm31, zmm31, zmm31",
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
            out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _,
            out("zmm17") _, out("zmm18") _, out("zmm19") _, out("zmm20") _, out("zmm21") _,
            out("zmm22") _, out("zmm23") _, out("zmm24") _, out("zmm25") _, out("zmm26") _,
            out("zmm27") _, out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
            options(nomem, nostack),
        );
    }
}
