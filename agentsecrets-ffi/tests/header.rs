//! The committed header is what the code says.

use std::{fs, path::Path};

#[test]
fn committed_header_is_current() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_folder.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::generate_with_config(crate_folder, config).unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    let committed = crate_folder.join("../include/agentsecrets.h");
    if std::env::var_os("AGENTSECRETS_WRITE_HEADER").is_some() {
        fs::write(&committed, &header).unwrap();
    }
    let current = fs::read(&committed).unwrap_or_default() == header;
    assert!(
        current,
        "out of date; run: AGENTSECRETS_WRITE_HEADER=1 cargo test -p agentsecrets-ffi --test header"
    );
}

#[test]
fn every_error_code_has_its_word_in_c() {
    for code in agentsecrets_core::ErrorCode::ALL {
        let described = agentsecrets::model::describe(*code as i32).unwrap();
        assert_eq!(described.word.to_str().unwrap(), code.as_str());
    }
    assert!(agentsecrets::capi::agentsecrets_error_code_name(-1).is_null());
}
