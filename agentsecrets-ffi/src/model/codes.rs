//! The table of error codes as text that C can borrow for ever.

use std::{collections::BTreeMap, ffi::CString, sync::LazyLock};

use agentsecrets_core::ErrorCode;

/// Version of the binary interface; grows with every incompatible change, apart from the crate's.
pub const AGENTSECRETS_ABI_VERSION: u32 = 1;

/// Word and hint of a code.
#[derive(Debug)]
pub struct Described {
    /// The stable word.
    pub word: CString,
    /// The command that helps in most cases.
    pub hint: CString,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

static CODES: LazyLock<BTreeMap<i32, Described>> = LazyLock::new(|| {
    let text = |text: &str| CString::new(text).unwrap_or_default();
    let codes = ErrorCode::ALL.iter().map(|code| {
        let described = Described {
            word: text(code.as_str()),
            hint: text(code.hint()),
            retryable: code.retryable(),
        };
        (*code as i32, described)
    });
    codes.collect()
});

/// What a code's number means; `None` for a number that was never given out.
pub fn describe(code: i32) -> Option<&'static Described> {
    CODES.get(&code)
}
