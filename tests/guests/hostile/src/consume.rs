//! Uses too much of each resource.

use refkit_policy::*;

/// Loops forever.
pub fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

/// Allocates until memory is exhausted.
pub fn grow() -> Result<Outcome, Error> {
    let mut all = Vec::new();
    loop {
        all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

/// Recurses until the stack is exhausted.
#[allow(unconditional_recursion)]
pub fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(frame[63] + 1) + std::hint::black_box(frame[0])
}

/// Passes a string of 200 MiB to the host.
pub fn transfer(host: &impl Host) -> Result<Outcome, Error> {
    let text = "x".repeat(200 << 20);
    host.event(Level::Info, &text, &[]);
    Err(Error::invalid("the host took 200 MiB"))
}

/// Calls the host too often.
pub fn calls(host: &impl Host) -> Result<Outcome, Error> {
    for _ in 0..1_000_000 {
        std::hint::black_box(host.setting("mode"));
    }
    Err(Error::invalid("the host answered 1,000,000 calls"))
}

/// Sends too many messages.
pub fn events(host: &impl Host, request: Request) -> Result<Outcome, Error> {
    let count = host.setting("count").and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    for number in 0..count {
        host.event(Level::Debug, "again", &[("number".into(), number.to_string())]);
    }
    Ok(Outcome::Next(request))
}

/// Returns a denial of 64 MiB.
pub fn outcome(request: Request) -> Outcome {
    Outcome::deny(request.reference.repository, "x".repeat(64 << 20))
}
