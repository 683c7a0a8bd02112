//! Arguments that may be secret: whatever is wrong with one, its text stays out of the exception.

use agentsecrets::model::SecretBytes;
use pyo3::{
    Borrowed,
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyString},
};

use crate::{errors::invalid, secret::Secret};

/// A text. Lone surrogates are refused by an error that, unlike Python's, does not hold the text.
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = object.cast::<PyString>().map_err(|_| expected("str", &object))?;
        text.to_cow()
            .map(|text| Self(text.into_owned()))
            .map_err(|_| invalid(object.py(), "a text with lone surrogates"))
    }
}

/// A value: str, bytes, bytearray or Secret; copied into memory that is wiped.
pub(crate) struct Value(pub(crate) SecretBytes);

impl<'py> FromPyObject<'_, 'py> for Value {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(secret) = object.cast::<Secret>() {
            return secret
                .get()
                .bytes(object.py())
                .map(|bytes| Self(SecretBytes::copy_of(bytes.expose())));
        }
        if object.is_instance_of::<PyString>() {
            let Text(text) = object.extract()?;
            return Ok(Self(SecretBytes::new(text.into_bytes())));
        }
        bytes_of(&object).map(|bytes| Self(SecretBytes::new(bytes)))
    }
}

/// The text that a value has to be.
pub(crate) fn text_of<'a>(
    py: Python<'_>,
    value: &'a Value,
    why: &'static str,
) -> PyResult<&'a str> {
    std::str::from_utf8(value.0.expose()).map_err(|_| invalid(py, why))
}

/// Bytes: bytes or bytearray.
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'py> FromPyObject<'_, 'py> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        bytes_of(&object).map(Self)
    }
}

fn bytes_of(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(bytes.to_vec());
    }
    Err(expected("bytes", object))
}

/// Names the type alone.
pub(crate) fn expected(what: &str, object: &Bound<'_, PyAny>) -> PyErr {
    let kind = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    PyTypeError::new_err(format!("expected {what}, got {kind}"))
}
