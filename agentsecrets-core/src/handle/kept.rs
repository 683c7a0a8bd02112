//! Connections that are kept for the next request, without anything of the last one.

use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
    },
};

/// Connects as ureq does; what it keeps is empty.
#[derive(Debug, Default)]
pub(super) struct Emptied(DefaultConnector);

/// A connection whose buffers are overwritten when it is laid by.
#[derive(Debug)]
pub(super) struct Kept(Box<dyn Transport>);

impl Connector<()> for Emptied {
    type Out = Kept;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Kept>, Error> {
        Ok(self.0.connect(details, chained)?.map(Kept))
    }
}

impl Transport for Kept {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    /// ureq asks before it keeps a connection, and does not keep one with input left. A request stands in the
    /// output, its body in the free space of the input too, and the answer may have repeated the secret.
    fn is_open(&mut self) -> bool {
        let buffers = self.0.buffers();
        buffers.output().fill(0);
        if buffers.input().is_empty() {
            buffers.input_append_buf().fill(0);
        }
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
