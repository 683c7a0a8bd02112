//! Sealed boxes: `bytes` for a bare X25519 key, `str` for a recipient string, `Identity` for its own.

use agentsecrets::model::{self, Error, SecretBytes};
use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    convert::{Bytes, Text, Value},
    errors::{blocking, raised},
    identity::Identity,
    secret::Secret,
};

/// Whom a box is sealed to.
pub(crate) enum To {
    Recipient(Text),
    Key(Bytes),
}

impl<'py> FromPyObject<'_, 'py> for To {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.is_instance_of::<PyString>() {
            true => object.extract().map(Self::Recipient),
            false => object.extract().map(Self::Key),
        }
    }
}

/// Who opens a box.
pub(crate) enum By {
    Identity(Py<Identity>),
    Key(Value),
}

impl<'py> FromPyObject<'_, 'py> for By {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<Identity>() {
            Ok(identity) => Ok(Self::Identity(identity.to_owned().unbind())),
            Err(_) => object.extract().map(Self::Key),
        }
    }
}

impl To {
    fn seal(&self, messages: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
        match self {
            Self::Recipient(recipient) => model::seal_many(recipient.as_str(), messages),
            Self::Key(Bytes(key)) => model::seal_many_to_key(key, messages),
        }
    }
}

impl By {
    fn open(&self, sealed: &[&[u8]]) -> Result<Vec<Result<SecretBytes, Error>>, Error> {
        match self {
            Self::Identity(identity) => Ok(identity.get().0.open_many(sealed)),
            Self::Key(Value(key)) => model::open_many_with_key(key.expose(), sealed),
        }
    }
}

fn slices(list: &[Bytes]) -> Vec<&[u8]> {
    list.iter().map(|Bytes(bytes)| bytes.as_slice()).collect()
}

fn values(list: &[Value]) -> Vec<&[u8]> {
    list.iter().map(|Value(bytes)| bytes.expose()).collect()
}

#[pyfunction]
#[pyo3(signature = (public_key, message, /))]
pub(crate) fn seal<'py>(
    py: Python<'py>,
    public_key: To,
    message: Value,
) -> PyResult<Bound<'py, PyBytes>> {
    let sealed = blocking(py, || public_key.seal(&[message.0.expose()]))?;
    Ok(PyBytes::new(py, sealed.first().map_or(&[], Vec::as_slice)))
}

#[pyfunction]
#[pyo3(signature = (public_key, messages, /))]
pub(crate) fn seal_many<'py>(
    py: Python<'py>,
    public_key: To,
    messages: Vec<Value>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let sealed = blocking(py, || public_key.seal(&values(&messages)))?;
    Ok(sealed.iter().map(|sealed| PyBytes::new(py, sealed)).collect())
}

#[pyfunction]
#[pyo3(signature = (secret_key, sealed, /))]
pub(crate) fn unseal<'py>(
    py: Python<'py>,
    secret_key: By,
    sealed: Bytes,
) -> PyResult<Bound<'py, PyBytes>> {
    let opened = blocking(py, || secret_key.open(&[&sealed.0])?.remove(0))?;
    Ok(PyBytes::new(py, opened.expose()))
}

/// For each box its message, or the exception that says why not.
#[pyfunction]
#[pyo3(signature = (secret_key, sealed, /))]
pub(crate) fn unseal_many(
    py: Python<'_>,
    secret_key: By,
    sealed: Vec<Bytes>,
) -> PyResult<Vec<Py<PyAny>>> {
    let opened = blocking(py, || secret_key.open(&slices(&sealed)))?;
    let verdict = |opened: Result<SecretBytes, Error>| match opened {
        Ok(message) => PyBytes::new(py, message.expose()).into_any().unbind(),
        Err(error) => raised(py, &error).into_value(py).into_any(),
    };
    Ok(opened.into_iter().map(verdict).collect())
}

#[pyfunction]
pub(crate) fn generate_keys(py: Python<'_>) -> PyResult<(Bound<'_, PyBytes>, Secret)> {
    let (public, secret) = blocking(py, model::generate_keys)?;
    Ok((PyBytes::new(py, &public), Secret::of(secret.into())))
}

#[pyfunction]
#[pyo3(signature = (secret_key, /))]
pub(crate) fn public_key(py: Python<'_>, secret_key: Value) -> PyResult<Bound<'_, PyBytes>> {
    let public = blocking(py, || model::public_key(secret_key.0.expose()))?;
    Ok(PyBytes::new(py, &public))
}
