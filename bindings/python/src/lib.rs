//! What `agentsecrets_core._native` hands to Python: converts, calls the object model, converts.

mod agents;
mod boxes;
mod client;
mod convert;
mod errors;
mod identity;
mod machine;
mod process;
mod relay;
mod secret;
mod secrets;

use pyo3::{prelude::*, wrap_pyfunction};

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ERROR_CODES", errors::codes())?;
    module.add_class::<agents::Child>()?;
    module.add_class::<agents::Handle>()?;
    module.add_class::<agents::Redaction>()?;
    module.add_class::<agents::Redactor>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<client::Config>()?;
    module.add_class::<client::Watch>()?;
    module.add_class::<identity::Identity>()?;
    module.add_class::<machine::Machine>()?;
    module.add_class::<relay::MemoryRelay>()?;
    module.add_class::<secret::Secret>()?;
    module.add_class::<secrets::Secrets>()?;
    module.add_function(wrap_pyfunction!(agents::spawn, module)?)?;
    module.add_function(wrap_pyfunction!(errors::describe, module)?)?;
    module.add_function(wrap_pyfunction!(client::init, module)?)?;
    module.add_function(wrap_pyfunction!(client::verify, module)?)?;
    module.add_function(wrap_pyfunction!(secrets::load, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::generate_keys, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::public_key, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::seal, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::seal_many, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::unseal, module)?)?;
    module.add_function(wrap_pyfunction!(boxes::unseal_many, module)?)
}
