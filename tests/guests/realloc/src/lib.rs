//! Never returns from `cabi_realloc`, by which the host allocates memory for its arguments.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};

use refkit_policy::*;

/// Allocates until the policy has described itself, and never returns after that.
#[cfg_attr(target_arch = "wasm32", global_allocator)]
pub static ALLOCATOR: Spinning = Spinning;

/// The allocator of this module.
pub struct Spinning;

static ARMED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

// SAFETY: every method delegates, or does not return.
unsafe impl GlobalAlloc for Spinning {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ARMED.load(std::sync::atomic::Ordering::Relaxed) {
            loop {
                std::hint::black_box(0);
            }
        }
        unsafe { std::alloc::System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { std::alloc::System.dealloc(pointer, layout) }
    }
}

/// The policy.
pub struct Realloc;

impl Policy for Realloc {
    fn about() -> Description {
        Description::new("realloc", "0.0.0", "Never comes back from cabi_realloc").optional("anything", "a text", None)
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        ARMED.store(true, std::sync::atomic::Ordering::Relaxed);
        // The host needs memory for the value, and cannot allocate any.
        let _ = host.setting("anything");
        Ok(Outcome::Next(request))
    }
}

refkit_policy::export!(Realloc);
