//! Link arguments of the addon.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Without symbols; and never unloaded, since a watcher's thread may outlive the worker that loaded it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,--strip-all,-z,nodelete");
    }
}
