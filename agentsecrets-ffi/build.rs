//! Gives the shared library its SONAME: the major number of the binary interface.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // AGENTSECRETS_ABI_VERSION; a test holds the two together.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libagentsecrets.so.1");
    }
}
