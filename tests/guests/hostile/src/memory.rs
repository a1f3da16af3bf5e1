//! Leaves a secret in memory, and searches for one.

use refkit_policy::*;

/// This is no constant, because the text must not be in the component's own data.
fn secret(index: usize) -> u8 {
    (index as u8).wrapping_mul(37).wrapping_add(11) | 1
}

const LENGTH: usize = 64;

/// Fills 16 MiB with the secret, and leaves it there.
pub fn write(request: Request) -> Result<Outcome, Error> {
    let bytes: Vec<u8> = (0..16 << 20).map(|index| secret(index % LENGTH)).collect();
    std::mem::forget(std::hint::black_box(bytes));
    Ok(Outcome::Next(request))
}

/// Reads its whole memory, and as much more as it can get.
#[cfg(target_arch = "wasm32")]
pub fn read() -> Result<Outcome, Error> {
    let wanted = (16 << 20) / 65_536;
    core::arch::wasm32::memory_grow::<0>(wanted);
    let end = core::arch::wasm32::memory_size::<0>() * 65_536;
    let (mut matched, mut address) = (0, 1024);
    while address < end {
        // SAFETY: within linear memory; volatile, because no code of the language has written there.
        let byte = unsafe { core::ptr::read_volatile(address as *const u8) };
        matched = if byte == secret(matched % LENGTH) { matched + 1 } else { 0 };
        if matched >= 2 * LENGTH {
            return Err(Error::invalid("found the secret"));
        }
        address += 1;
    }
    Err(Error::new(ErrorCode::NotFound, "nothing is there"))
}

/// Searches for data of an earlier run.
#[cfg(not(target_arch = "wasm32"))]
pub fn read() -> Result<Outcome, Error> {
    Err(Error::new(ErrorCode::Unsupported, "only a component has a memory of its own"))
}
