//! The C interface of `agentsecrets-core`, and the object model that every binding stands on.

/// What every binding shares, without `unsafe`: objects that lock inside, plain data, one error.
pub mod model;

/// The C functions. Other bindings leave them out: their modules export nothing of C's.
#[cfg(feature = "capi")]
#[allow(unsafe_code)]
pub mod capi;

/// What is freed is wiped first: also what libraries beneath copied and let go.
#[cfg(feature = "zero-on-free")]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

#[cfg(panic = "abort")]
compile_error!("a panic has to become an error code: build with panic = \"unwind\"");
