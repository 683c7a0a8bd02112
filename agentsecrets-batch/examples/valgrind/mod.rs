//! Tells valgrind which bytes are secret: to memcheck they are not initialised, and it reports every jump and
//! every address that depends on one. Without valgrind the requests do nothing.

#![allow(unsafe_code)]

/// Memcheck's requests (memcheck.h), after its two letters.
const UNDEFINED: usize = 0x4d43_0001;
const DEFINED: usize = 0x4d43_0002;
/// Valgrind's own (valgrind.h).
const RUNNING: usize = 0x1001;

pub(crate) fn running() -> bool {
    request([RUNNING, 0, 0, 0, 0, 0]) != 0
}

pub(crate) fn secret<T>(value: &mut T) {
    request([UNDEFINED, (&raw mut *value).addr(), size_of::<T>(), 0, 0, 0]);
}

pub(crate) fn public<T>(value: &mut T) {
    request([DEFINED, (&raw mut *value).addr(), size_of::<T>(), 0, 0, 0]);
}

#[cfg(target_arch = "x86_64")]
fn request(arguments: [usize; 6]) -> usize {
    let mut answer = 0_usize;
    // SAFETY: four rotations by 128 in all and an exchange of a register with itself change nothing; valgrind
    // knows them for a request and reads the arguments.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &raw const arguments, inout("rdx") answer, inout("rdi") 0_usize => _,
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: [usize; 6]) -> usize {
    0
}
