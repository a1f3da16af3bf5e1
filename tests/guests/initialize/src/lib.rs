//! Never returns from its start function: the encoder calls an export of this name when the component is instantiated.
#![allow(unsafe_code)]

use refkit_policy::*;

/// Loops forever.
#[unsafe(no_mangle)]
pub extern "C" fn _initialize() {
    loop {
        std::hint::black_box(0);
    }
}

/// The policy.
pub struct Initialize;

impl Policy for Initialize {
    fn about() -> Description {
        Description::new("initialize", "0.0.0", "Never comes back from its start function")
    }

    fn resolve(_: &impl Host, request: Request) -> Result<Outcome, Error> {
        Ok(Outcome::Next(request))
    }
}

refkit_policy::export!(Initialize);
