//! Errors: one code, one Python class each; the classes are in `errors.py`.

use std::{collections::BTreeMap, time::Duration};

use agentsecrets::model::{Error, ErrorCode};
use pyo3::{prelude::*, sync::PyOnceLock};

use crate::convert::Text;

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception of an error of the library.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).map_or_else(|error| error, PyErr::from_value)
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let make = MAKE.get_or_try_init(py, || {
        py.import("agentsecrets_core.errors")?.getattr("make").map(Bound::unbind)
    })?;
    let code = error.code();
    let wait = error.retry_after().as_ref().map(Duration::as_secs_f64);
    make.bind(py).call1((code.as_str(), error.message(), error.hint(), error.retryable(), wait))
}

/// Number, hint and whether another try may help, for the errors that Python makes.
#[pyfunction]
pub(crate) fn describe(py: Python<'_>, code: Text) -> PyResult<(i32, &'static str, bool)> {
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code.as_str());
    let known = known.ok_or_else(|| invalid(py, "no error has this code"))?;
    Ok((*known as i32, known.hint(), known.retryable()))
}

/// `invalid_argument`.
pub(crate) fn invalid(py: Python<'_>, why: &'static str) -> PyErr {
    raised(py, &Error::new(ErrorCode::InvalidArgument, why))
}

/// `closed`.
pub(crate) fn closed(py: Python<'_>, what: &'static str) -> PyErr {
    raised(py, &Error::new(ErrorCode::Closed, what))
}

/// Words of all codes.
pub(crate) fn codes() -> BTreeMap<&'static str, i32> {
    ErrorCode::ALL.iter().map(|code| (code.as_str(), *code as i32)).collect()
}

/// Runs what may block, without the interpreter's lock.
pub(crate) fn blocking<T: Send>(
    py: Python<'_>,
    run: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    py.detach(run).map_err(|error| raised(py, &error))
}
